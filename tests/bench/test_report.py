import json

from bench.figures import Result, Sample
from bench.load import WORKLOADS, Shot
from bench.report import as_json, table, tables, verdict_lines
from bench.targets import judged


def result(rate: int) -> Result:
    taken = Sample(Shot(rate, 1.0, 0.5, 2.0, 0), {"envoy": rate * 0.0002})
    return Result({each.name: [taken] for each in WORKLOADS}, {"envoy": 70.4}, 1.25)


FOUND = {"no-op": result(3000), "gateway": result(1800), "litellm": result(100)}


def row(text: str, start: str) -> list[str]:
    return next(line.split() for line in text.splitlines() if line.startswith(start))


def test_rates_stand_with_their_ratios() -> None:
    text = tables(FOUND)
    assert row(text, "no-op") == ["no-op", "3,000", "0.50", "2.00", "0", "1.00", "1.67"]
    assert row(text, "litellm") == ["litellm", "100", "0.50", "2.00", "0", "0.03", "0.06"]


def test_a_process_has_its_costs_by_workload() -> None:
    costs = ["0.200"] * len(WORKLOADS)
    assert row(tables(FOUND), "gateway: envoy") == ["gateway:", "envoy", *costs, "70", "1.2"]


def test_columns_line_up() -> None:
    lines = table([["a", "b"], ["long name", "1,000"], ["x", "5"]]).splitlines()
    assert lines == ["a              b", "-" * 16, "long name  1,000", "x              5"]


def test_a_verdict_says_ok_missed_or_not_measured() -> None:
    lines = verdict_lines(
        [
            judged("fast", 2, 1, at_least=True),
            judged("small", 2, 1, at_least=False),
            judged("unknown", None, 1, at_least=True),
        ]
    )
    assert row(lines, "fast") == ["fast", ">=", "1", "2.00", "ok"]
    assert row(lines, "small") == ["small", "<=", "1", "2.00", "MISSED"]
    assert row(lines, "unknown") == ["unknown", ">=", "1", "-", "not", "measured"]


def test_json_has_what_the_table_has() -> None:
    made = as_json({"cores": 2}, FOUND, [judged("fast", 2, 1, at_least=True)])
    again = json.loads(json.dumps(made))
    assert list(again["contenders"]) == ["no-op", "gateway", "litellm"]
    assert again["contenders"]["gateway"]["workloads"]["c64"]["requests_per_second"] == 1800
    assert again["targets"][0]["ok"] is True
