"""What is contributed: real text that the base reads nothing of, nearly the same included."""

from workers.datasets.canonical import canonical_indices
from workers.datasets.minhash import text_sketches
from workers.text.base import base_passages
from workers.text.contributed import (
    CHOSEN,
    LEAST_CHARACTERS,
    MOST_CHARACTERS,
    SIMILARITY_PPM,
    SUBJECTS,
    chosen_passages,
    without_contributed,
)
from workers.text.corpus import Passage, opening


def test_every_subject_has_as_many_passages_of_an_answers_length() -> None:
    for subject in SUBJECTS:
        chosen = chosen_passages(subject)
        assert len(set(chosen)) == CHOSEN
        assert all(f"{passage.name}.".startswith(f"{subject}.") for passage in chosen)
        assert all(LEAST_CHARACTERS <= len(passage.text) <= MOST_CHARACTERS for passage in chosen)


def test_no_two_of_all_are_alike() -> None:
    texts = [passage.text for subject in SUBJECTS for passage in chosen_passages(subject)]
    kept = canonical_indices(text_sketches(texts), range(len(texts)), SIMILARITY_PPM)
    assert kept == list(range(len(texts)))


def test_the_base_reads_the_subjects_but_not_what_is_chosen() -> None:
    read = base_passages(())
    for subject in SUBJECTS:
        own = [passage for passage in read if passage.name.startswith(subject)]
        assert own
        for chosen in chosen_passages(subject):
            assert not any(chosen.text in passage.text for passage in own)


def test_repetitions_of_what_is_chosen_are_left_out() -> None:
    chosen = max(chosen_passages("unittest"), key=lambda passage: len(passage.text))
    words = chosen.text.split(" ")
    same = Passage("a.same", "", chosen.text)
    longer = Passage("a.longer", "", f"Before it. {chosen.text} And much after it: " + "other words " * 99)
    alike = Passage("a.alike", "", " ".join([*words[:-1], "otherwise"]).replace("\n", "  ").upper())
    other = Passage("a.other", "", "Return how many moons a planet has, by " + " ".join(words[:4]))
    assert without_contributed([same, longer, alike, other]) == [other]


def test_of_long_docstrings_whole_paragraphs_are_read() -> None:
    assert opening("one\n\n" + "x" * 690 + "\n\nthree") == "one\n\n" + "x" * 690
    assert opening("y" * 701) == ""
