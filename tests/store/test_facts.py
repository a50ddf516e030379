"""Facts about the project as a whole."""


def test_a_fact_that_nobody_said_is_none(store):
    assert store.facts.get("held_out_split") is None


def test_the_last_word_counts(store):
    store.facts.set("held_out_split", "done")
    store.facts.set("held_out_split", "")
    store.facts.set("other", "é ' \" \n ;--")
    assert store.facts.get("held_out_split") == ""
    assert store.facts.get("other") == "é ' \" \n ;--"
