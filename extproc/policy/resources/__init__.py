"""What is kept between calls (files, batches, jobs, responses), and whose it is."""
