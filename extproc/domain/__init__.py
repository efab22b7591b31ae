"""The values everything else passes around; imports nothing of ours."""
