"""The rule of a composite alarm: states of other alarms, joined by AND, OR and NOT.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from localcloud.aws.api_errors import ApiError

_TOKEN = re.compile(
    r"\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<quote>[\"']?)(?P<alarm>[^()\"']+?)(?P=quote)\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE|\(|\)))",
    re.IGNORECASE,
)

# The state of an alarm by its name or ARN.
StateOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    alarm: str = ""


def alarms_in(rule: str) -> list[str]:
    """Names or ARNs of the alarms that a rule looks at.

    Raises:
        ApiError: It is no rule.
    """
    return [token.alarm for token in _tokens(rule) if token.alarm]


def holds(rule: str, state_of: StateOf) -> bool:
    """Whether a rule holds.

    Raises:
        ApiError: It is no rule.
    """
    reader = _Reader(rule, state_of)
    result = reader.read_or()
    if not reader.is_at_end:
        raise _refusal(rule)
    return result


def _tokens(rule: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(rule.rstrip()):
        match = _TOKEN.match(rule, position)
        if match is None:
            raise _refusal(rule)
        tokens.append(_Token((match["state"] or match["word"]).upper(), match["alarm"] or ""))
        position = match.end()
    return tokens


class _Reader:
    def __init__(self, rule: str, state_of: StateOf) -> None:
        self._rule = rule
        self._tokens = _tokens(rule)
        self._next = 0
        self._state_of = state_of

    @property
    def is_at_end(self) -> bool:
        return self._next == len(self._tokens)

    def read_or(self) -> bool:
        result = self._read_and()
        while self._takes("OR"):
            result = self._read_and() or result
        return result

    def _read_and(self) -> bool:
        result = self._read_not()
        while self._takes("AND"):
            result = self._read_not() and result
        return result

    def _read_not(self) -> bool:
        if self._takes("NOT"):
            return not self._read_not()
        if self._takes("("):
            result = self.read_or()
            if not self._takes(")"):
                raise _refusal(self._rule)
            return result
        if self.is_at_end:
            raise _refusal(self._rule)
        token = self._tokens[self._next]
        self._next += 1
        if token.alarm:
            return self._state_of(token.alarm) == token.word
        if token.word in ("TRUE", "FALSE"):
            return token.word == "TRUE"
        raise _refusal(self._rule)

    def _takes(self, word: str) -> bool:
        found = not self.is_at_end and self._tokens[self._next].word == word
        self._next += found
        return found


def _refusal(rule: str) -> ApiError:
    return ApiError("ValidationError", f"AlarmRule is not valid: '{rule}'.")
