"""Token estimates: near the truth with a helper, present without one."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from extproc.policy.pool import HelperPool
from extproc.policy.tokens import WARM, count_tokens, estimate_prompt, guess_tokens

CHAT: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "hello world"},
    ]
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[HelperPool]:
    pool = HelperPool()
    await pool.warm(WARM)
    yield pool
    await pool.close()


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("model", "text", "tokens"),
    [
        ("gpt-4o", "hello world", 2),
        ("some-other-model", "hello world", 2),
        ("gpt-4", "", 0),
        ("gpt-4o", "<|endoftext|>", 7),
        ("gpt-4o", "\ud800", 1),
        ("gpt-4o", ["hello world", "hello world"], 4),
    ],
)
async def test_text_is_counted(
    pool: HelperPool, model: str, text: str | list[str], tokens: int
) -> None:
    assert await count_tokens(pool, model, text) == tokens


async def test_older_models_have_another_encoding(pool: HelperPool) -> None:
    hindi = "नमस्ते दुनिया"
    newer = await count_tokens(pool, "gpt-4o", hindi)
    for model in ("gpt-4", "openai/gpt-4-turbo", "gpt-3.5-turbo", "text-embedding-3-small"):
        assert await count_tokens(pool, model, hindi) > newer
    for model in ("gpt-4.1", "gpt-4o-mini", "gpt-5"):
        assert await count_tokens(pool, model, hindi) == newer


async def test_a_chat_prompt_is_counted_by_the_published_rule(pool: HelperPool) -> None:
    # 3 a message, 3 for the answer, one a role, 6 and 2 of text.
    assert await estimate_prompt(pool, "gpt-4o", "chat", CHAT) == 2 * 3 + 3 + 2 + 6 + 2


async def test_tools_images_and_names_count(pool: HelperPool) -> None:
    plain = await estimate_prompt(pool, "gpt-4o", "chat", CHAT)
    image = {"type": "image_url", "image_url": {"url": "data:," + "x" * 100_000}}
    more = {
        "messages": [*CHAT["messages"], {"role": "user", "name": "bob", "content": [image]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    }
    assert plain + 250 < await estimate_prompt(pool, "gpt-4o", "chat", more) < plain + 300


@pytest.mark.parametrize(
    ("endpoint", "body", "tokens"),
    [
        ("completions", {"prompt": "hello world"}, 2),
        ("completions", {"prompt": ["hello world", "hello world"]}, 4),
        ("completions", {"prompt": [1, 2, 3]}, 3),
        ("completions", {"prompt": [[1, 2], [3]]}, 3),
        ("embeddings", {"input": "hello world"}, 2),
        ("embeddings", {"input": [[1, 2, 3], [4]]}, 4),
        ("embeddings", {}, 1),
        ("chat", {"messages": [None, {"tool_calls": [1]}]}, 6),
        ("chat", {"messages": [{"tool_calls": 7}]}, 6),
    ],
)
async def test_other_prompts_are_counted(
    pool: HelperPool, endpoint: str, body: dict[str, Any], tokens: int
) -> None:
    assert await estimate_prompt(pool, "gpt-4o", endpoint, body) == tokens


async def test_a_long_text_is_counted_by_a_sample_of_all_of_it(pool: HelperPool) -> None:
    english, chinese = "the quick brown fox " * 50_000, "漢字" * 500_000
    exact = 5 * 40_000 + 2 * 100_000
    part = await count_tokens(pool, "gpt-4o", english[:20_000])
    assert part == pytest.approx(4_000, rel=0.01)
    both = await count_tokens(pool, "gpt-4o", [english, chinese])
    assert both == pytest.approx(200_000 + 1_000_000, rel=0.1)
    assert exact < both


async def test_without_a_helper_the_size_is_the_estimate() -> None:
    closed = HelperPool()
    await closed.close()
    assert await count_tokens(closed, "gpt-4o", "x" * 400) == 100
    assert await estimate_prompt(closed, "gpt-4o", "embeddings", {"input": "x" * 400}) == 100


async def test_the_guess_is_a_quarter_of_the_bytes_and_never_nothing() -> None:
    assert [guess_tokens(size) for size in (0, 3, 400)] == [1, 1, 100]
