"""What each Claude model takes: the rules that its generations have changed, read from its name.

An unknown name is taken for an old model, whose rules are the simplest.
https://platform.claude.com/docs/en/about-claude/models/overview
https://platform.claude.com/docs/en/build-with-claude/thinking
https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5
"""

import re
from collections.abc import Mapping

from extproc.domain.call import Json
from extproc.domain.value import value

DEFAULT_MAX_TOKENS = 4096
LEAST_BUDGET = 1024
"""https://platform.claude.com/docs/en/build-with-claude/extended-thinking"""

# claude-opus-4-20250514, claude-3-7-sonnet-20250219, us.anthropic.claude-haiku-4-5-20251001-v1:0
_NAME = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)"
)
_ALWAYS_THINKING = frozenset({"fable", "mythos"})


@value
class Model:
    """One generation of one family."""

    family: str
    version: tuple[int, int]

    @property
    def thinks(self) -> bool:
        """Whether it can think at all; of an unknown model it is believed."""
        return self.version >= (3, 7) or self.version == (0, 0)

    @property
    def adaptive(self) -> bool:
        """Whether thinking is led by an effort; the older have a budget of tokens."""
        return self.version >= (4, 6)

    @property
    def samples(self) -> bool:
        """Whether temperature, top_p and top_k may be set."""
        return self.version < (4, 7)

    @property
    def samples_one_way(self) -> bool:
        """Whether temperature and top_p exclude each other."""
        return self.version >= (4, 1)

    @property
    def schemas(self) -> bool:
        """Whether `output_config.format` and strict tools are known.

        https://platform.claude.com/docs/en/build-with-claude/structured-outputs
        """
        return self.version >= (4, 5)

    @property
    def schemas_at_amazon(self) -> bool:
        """The same at bedrock-runtime, which has them for two generations alone.

        https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-structured-outputs.html
        """
        return (4, 5) <= self.version < (4, 7)

    @property
    def forceable(self) -> bool:
        """Whether the use of a tool can be forced."""
        first_without = {"opus": (5, 5), "sonnet": (5, 5), "fable": (5, 1), "mythos": (5, 1)}
        return self.version < first_without.get(self.family, (99, 0))

    @property
    def shows_thinking(self) -> bool:
        """Whether thoughts are shown unasked; the newer leave their text empty."""
        return self.version < (4, 7)

    @property
    def thoughtless(self) -> Json | None:
        """`thinking` that switches it off: {} where it is off unasked, None where it never is."""
        if self.family in _ALWAYS_THINKING or (self.family == "opus" and self.version >= (5, 5)):
            return None
        if self.version < (5, 0):
            return {}
        between = self.family == "sonnet" and self.version >= (5, 5)
        return {"type": "between_tools" if between else "disabled"}

    @property
    def max_tokens(self) -> int:
        """What is asked for where the client sets no limit: the most that the model can write.

        Older models refuse a limit that does not fit beside the prompt, so theirs is small.
        """
        if self.version >= (4, 6):
            return 128_000
        return 64_000 if self.version >= (4, 5) else DEFAULT_MAX_TOKENS

    def effort(self, asked: str) -> str:
        """The nearest effort that an adaptive model knows."""
        known = _EFFORTS.get(asked, asked)
        return "high" if known == "xhigh" and self.version < (4, 7) else known


_EFFORTS: Mapping[str, str] = {"minimal": "low"}


def model_of(name: str) -> Model:
    """The model of an id, an ARN or a path."""
    if "claude-mythos-preview" in name:
        return Model("mythos", (4, 7))
    found = _NAME.search(name)
    if found is None:
        return Model("", (0, 0))
    return Model(found["family"] or "", (int(found["major"]), int(found["minor"] or 0)))
