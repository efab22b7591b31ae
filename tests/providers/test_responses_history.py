from extproc.providers.responses import history

ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
SAID = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
ANSWER = {"object": "response", "id": "resp_abc", "output": [SAID]}


def test_what_was_asked_and_answered_is_remembered_with_ids() -> None:
    assert history.remembered({"input": "Hi"}, ANSWER) == [{**ASKED, "id": "item_abc_0"}, SAID]


def test_items_keep_the_ids_that_they_have() -> None:
    items = [{"role": "user", "content": "Hi", "id": "msg_0"}]
    assert history.remembered({"input": items}, ANSWER) == [*items, SAID]


def test_a_continued_request_begins_with_what_was_stored() -> None:
    stored = history.remembered({"input": "Hi"}, ANSWER)
    body = {"model": "m", "input": "And?", "previous_response_id": "resp_abc", "instructions": "Be"}
    continued = history.continued(body, stored)
    asked = {**ASKED, "content": [{"type": "input_text", "text": "And?"}]}
    assert continued == {"model": "m", "instructions": "Be", "input": [*stored, asked]}
    assert body["previous_response_id"] == "resp_abc"


def test_a_continued_conversation_is_remembered_whole() -> None:
    stored = history.remembered({"input": "Hi"}, ANSWER)
    continued = history.continued({"input": "And?", "previous_response_id": "resp_abc"}, stored)
    answer = {"id": "resp_def", "output": [{**SAID, "id": "msg_2"}]}
    kept = history.remembered(continued, answer)
    assert [item["id"] for item in kept] == ["item_abc_0", "msg_1", "item_def_2", "msg_2"]


def test_what_is_no_item_is_not_remembered() -> None:
    assert history.remembered({"input": [None, 3]}, {"id": None, "output": "x"}) == []


def test_an_answer_names_the_response_that_it_continues() -> None:
    linked = history.linked(ANSWER, "resp_before")
    assert linked == {**ANSWER, "previous_response_id": "resp_before"}
    event = {"type": "response.created", "response": ANSWER}
    assert history.linked(event, "resp_before") == {**event, "response": linked}
    delta = {"type": "response.output_text.delta", "delta": "x"}
    assert history.linked(delta, "resp_before") == delta
