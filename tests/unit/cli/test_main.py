"""The front door: verbs are found, words are understood, errors are one line."""

import json

import pytest

from cli import __main__ as door
from contracts.errors import ShouwangError


class Lost(ShouwangError):
    """The {thing} is lost. Look under the sofa."""


class Verb:
    HELP = "look for something"
    TAKES_MORE = False

    @staticmethod
    def add_arguments(parser):
        parser.add_argument("thing")
        parser.add_argument("--json", action="store_true")

    @staticmethod
    def run(args):
        if args.thing == "key":
            raise Lost(thing="key")
        print(json.dumps({"found": args.thing, "more": args.more}))
        return 0


@pytest.fixture
def verb(monkeypatch):
    made = Verb()
    monkeypatch.setattr(door, "verbs", lambda only=None: {"look": made})
    return made


def test_every_verb_explains_itself():
    for name, verb in door.verbs().items():
        assert verb.HELP, name
        with pytest.raises(SystemExit) as ended:
            door.main([name, "--help"])
        assert ended.value.code == 0


def test_the_verbs_of_this_folder_are_there():
    assert {"services", "run", "test", "lock"} <= set(door.verbs())


def test_a_verbs_exit_code_and_words_are_its_own(verb, capsys):
    assert door.main(["look", "glasses"]) == 0
    assert json.loads(capsys.readouterr().out) == {"found": "glasses", "more": []}


def test_an_error_is_one_line_that_says_what_to_do_and_stdout_stays_clean(verb, capsys):
    assert door.main(["look", "key", "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "shouwang look: The key is lost. Look under the sofa.\n"


def test_a_word_nobody_knows_is_refused(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        door.main(["look", "glasses", "--harder"])
    assert ended.value.code == 2
    assert "--harder" in capsys.readouterr().err


def test_further_words_reach_a_verb_that_takes_them_in_their_order(verb, capsys):
    verb.TAKES_MORE = True
    assert door.main(["look", "glasses", "-k", "matrix", "tests/unit", "-x"]) == 0
    assert json.loads(capsys.readouterr().out)["more"] == ["-k", "matrix", "tests/unit", "-x"]


def test_nothing_asked_shows_what_can_be_asked(capsys):
    with pytest.raises(SystemExit) as ended:
        door.main([])
    assert ended.value.code == 2


def test_words_for_pytest_pass_through_test():
    args, more = door.parser(door.verbs()).parse_known_args(["test", "--fast", "-k", "matrix", "tests/unit/deploy"])
    assert args.fast
    assert more == ["-k", "matrix", "tests/unit/deploy"]
