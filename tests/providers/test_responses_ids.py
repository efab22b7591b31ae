import string

from hypothesis import given
from hypothesis import strategies as st

from extproc.providers.responses import ids


@given(st.text(), st.text())
def test_an_id_carries_its_deployment(deployment: str, response: str) -> None:
    encoded = ids.encode(deployment, response)
    assert set(encoded) <= set(string.ascii_letters + string.digits + "-_")
    assert encoded.startswith("resp_")
    if "\0" not in deployment:
        assert ids.decode(encoded) == (deployment, response)


@given(st.text())
def test_any_other_text_is_no_id_of_ours(given_text: str) -> None:
    assert ids.decode(given_text) is None
    assert ids.decode(f"resp_{given_text}") is None


def test_an_id_that_was_changed_is_not_ours() -> None:
    encoded = ids.encode("deployment-1", "resp_68af4030592c81938ec0a5fbab4a3e9f")
    assert ids.decode("resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b") is None
    assert ids.decode(encoded[:-1]) is None
    assert ids.decode(f"{encoded}=") is None
    for place in range(len("resp_"), len(encoded)):
        other = "A" if encoded[place] != "A" else "B"
        assert ids.decode(encoded[:place] + other + encoded[place + 1 :]) is None


def test_a_stamped_response_leads_back() -> None:
    shown = ids.stamped({"id": "resp_2", "previous_response_id": "resp_1", "object": "r"}, "d1")
    assert ids.decode(shown["id"]) == ("d1", "resp_2")
    assert ids.unstamped({"previous_response_id": shown["previous_response_id"], "x": 1}) == {
        "previous_response_id": "resp_1",
        "x": 1,
    }


def test_ids_that_are_not_text_are_left_alone() -> None:
    odd = {"id": None, "previous_response_id": 7}
    assert ids.stamped(odd, "d1") == odd
    assert ids.unstamped(odd) == odd
    assert ids.stamped_event({"type": "error", "response": None}, "d1") == {
        "type": "error",
        "response": None,
    }


def test_an_event_is_stamped_where_it_holds_a_response() -> None:
    event = ids.stamped_event({"type": "response.created", "response": {"id": "resp_1"}}, "d1")
    assert ids.decode(event["response"]["id"]) == ("d1", "resp_1")
