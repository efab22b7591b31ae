"""What the gateway's ledger says of one module's calls: each billed once, counted and priced."""

from typing import Any

import pytest

from tests.e2e.gateway import Gateway, eventually, run_id
from tests.e2e.providers import BY_NAME, INPUT_PRICE, OUTPUT_PRICE


class Books:
    """The calls of one virtual key, by their ids."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.key = gateway.new_key()
        self.runs: list[str] = []

    def run(self, name: str) -> str:
        """The id of a call that is about to be made and must have a row."""
        self.runs.append(run_id(name))
        return self.runs[-1]

    def row(self, run: str) -> dict[str, Any]:
        """The one row of a call."""
        rows: list[dict[str, Any]] = []

        def there() -> bool:
            asked = {"request_id": run}
            answer = self.gateway.http.get("/spend/logs", params=asked, headers=self.gateway.auth())
            rows[:] = answer.json()
            return bool(rows)

        eventually(there, f"a spend row of {run}")
        assert len(rows) == 1
        return rows[0]

    def billed(
        self, run: str, group: str, call_type: str, tokens: tuple[int, int]
    ) -> dict[str, Any]:
        """The row of a success that is counted and priced so."""
        row = self.row(run)
        provider = BY_NAME[group.partition("+")[0]]
        names = ("status", "custom_llm_provider", "call_type", "model_group")
        assert [row[name] for name in names] == ["success", provider.billed_as, call_type, group]
        assert (row["prompt_tokens"], row["completion_tokens"]) == tokens
        assert row["metadata"]["estimated"] is False
        assert row["metadata"]["attempt"] == 1
        cost = tokens[0] * INPUT_PRICE + tokens[1] * OUTPUT_PRICE
        assert row["spend"] == pytest.approx(cost, rel=1e-9, abs=1e-12)
        return row

    def close(self) -> None:
        """No success was billed beside the calls that were made, and none of them twice."""
        rows = self.gateway.rows(self.key)
        billed = [row["request_id"] for row in rows if row["status"] == "success"]
        assert sorted(billed) == sorted(self.runs)
