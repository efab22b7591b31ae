from bench.figures import Result, Sample, slope
from bench.load import Shot


def sample(requests: int, **cpu_seconds: float) -> Sample:
    return Sample(Shot(requests, 2.0, requests / 100, requests / 10, 1), cpu_seconds)


def test_a_figure_is_the_median_of_its_rounds() -> None:
    result = Result({"c1": [sample(100), sample(9000), sample(200)]})
    assert (result.rate("c1"), result.p50_ms("c1"), result.p99_ms("c1")) == (100, 2, 20)


def test_errors_are_added_up() -> None:
    assert Result({"c1": [sample(1), sample(1)]}).errors("c1") == 2


def test_cpu_is_milliseconds_an_answer_by_role() -> None:
    result = Result({"c1": [sample(100, envoy=0.1, worker=0.2), sample(200, envoy=0.2)]})
    assert result.cpu_ms("c1") == {"envoy": 1.0, "worker": 1.0}


def test_cpu_of_a_round_without_answers_is_a_number() -> None:
    assert Result({"c1": [sample(0, envoy=0.5)]}).cpu_ms("c1") == {"envoy": 500.0}


def test_json_names_the_rounds() -> None:
    found = Result({"c1": [sample(100), sample(300)]}, {"worker": 90.0}, 3.5).as_json()
    assert found["workloads"]["c1"]["rounds"] == [50, 150]
    assert found["rss_mb"] == {"worker": 90.0}
    assert found["ready_seconds"] == 3.5


def test_slope_is_of_the_fitted_line() -> None:
    assert slope([(0, 100), (10, 120), (20, 140)]) == 2
    assert slope([(0, 100), (1, 130), (2, 100)]) == 0
