"""Ids of files, batches and jobs carry their deployment, and paths are each format's own."""

import pytest

from extproc.domain.resources import Resource
from extproc.providers import resources
from tests.calls import deployment

HOME = "d" * 64


def test_ids_of_an_object_and_of_what_it_names_are_shown_and_known_again() -> None:
    batch = {
        "id": "batch_1",
        "object": "batch",
        "input_file_id": "file-1",
        "output_file_id": None,
        "metadata": {"id": "x"},
    }
    shown = resources.shown(batch, HOME)
    assert shown["id"].startswith("batch_") and shown["input_file_id"].startswith("file-")
    assert (shown["output_file_id"], shown["metadata"]) == (None, {"id": "x"})
    assert resources.decode(shown["id"]) == (HOME, "batch_1")
    assert resources.decode(shown["input_file_id"]) == (HOME, "file-1")
    sent = {"input_file_id": shown["input_file_id"], "endpoint": "/v1/embeddings"}
    assert resources.unsealed(sent)["input_file_id"] == "file-1"


def test_ids_of_a_list_are_shown() -> None:
    jobs = [
        {"id": f"ftjob-{n}", "object": "fine_tuning.job", "result_files": [f"file-{n}"]}
        for n in (1, 2)
    ]
    listed = {"object": "list", "data": jobs, "first_id": "ftjob-1", "last_id": "ftjob-2"}
    shown = resources.shown(listed, HOME)
    assert [resources.known(job["id"]) for job in shown["data"]] == ["ftjob-1", "ftjob-2"]
    assert shown["first_id"] == shown["data"][0]["id"]
    assert resources.known(shown["data"][1]["result_files"][0]) == "file-2"


def test_what_has_no_id_of_ours_stays() -> None:
    event = {"object": "fine_tuning.job.event", "id": "ftevent-1"}
    assert resources.shown({"data": [event]}, HOME) == {"data": [event]}
    assert resources.shown([1], HOME) == [1]
    body = {"input_file_id": "file-of-the-provider"}
    assert resources.unsealed(body) is body


@pytest.mark.parametrize("given", ["file-abc", "batch_", "x", "file-é", "file-AAAAAAAA"])
def test_an_id_that_is_not_ours_is_the_providers(given: str) -> None:
    assert (resources.decode(given), resources.known(given)) == (None, given)


def test_paths_are_each_formats_own() -> None:
    cancel = Resource("batches", "b/1", "cancel")
    assert resources.path(deployment(), cancel) == "/batches/b%2F1/cancel"
    assert resources.path(deployment(), Resource("files"), "limit=2") == "/files?limit=2"
    dated = deployment(schema="azure", options={"api_version": "2025-01-01"})
    files = "/openai/files?api-version=2025-01-01&limit=2"
    assert resources.path(dated, Resource("files"), "limit=2") == files
    latest = deployment(schema="azure", options={"api_version": "v1"})
    assert resources.path(latest, Resource("fine_tuning", "j")) == "/openai/v1/fine_tuning/jobs/j"
    assert resources.path(dated, Resource("responses", "r")) == "/openai/v1/responses/r"
