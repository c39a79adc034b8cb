"""Which form a request asks its answer to have: OpenAI's `response_format`, vLLM's `structured_outputs`.

Also vLLM's older `guided_json`, `guided_regex`, `guided_choice`. One a request; others are refused by name.
"""

import json
from typing import Any

from workers.serving.errors import BadRequestError
from workers.serving.forms import Form, choice_form, expression_form, json_form
from workers.serving.http.schema import GenerationRequest

LARGEST_FORM_BYTES = 64 << 10
MOST_CHOICES = 1_024


def requested_form(request: GenerationRequest) -> tuple[str, Form] | None:
    """The field that asks for a form and the form, None for plain text; raises BadRequestError."""
    asked = {
        "response_format": request.response_format,
        "structured_outputs": request.structured_outputs,
        "guided_json": request.guided_json,
        "guided_regex": request.guided_regex,
        "guided_choice": request.guided_choice,
    }
    given = {name: value for name, value in asked.items() if value is not None and value != {"type": "text"}}
    if not given:
        return None
    if len(given) > 1:
        raise BadRequestError(f"one form at a time, not {' and '.join(given)}", next(iter(given)))
    ((name, value),) = given.items()
    try:
        if len(json.dumps(value)) > LARGEST_FORM_BYTES:
            raise BadRequestError(f"a form has at most {LARGEST_FORM_BYTES} bytes")
        return name, _form(name, value)
    except BadRequestError as error:
        raise BadRequestError(str(error), name) from error
    except RecursionError as error:
        raise BadRequestError("the form is nested too deeply", name) from error


def _form(name: str, value: Any) -> Form:
    if name == "response_format":
        return _response_format(value)
    if name == "structured_outputs":
        return _structured(value)
    return _of_kind(name.removeprefix("guided_"), value)


def _response_format(value: dict[str, Any]) -> Form:
    kind = value.get("type")
    if kind == "json_object":
        return json_form()
    if kind != "json_schema":
        raise BadRequestError(f"the format {str(kind)[:50]!r} is not one of text, json_object, json_schema")
    described = value.get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(schema, dict):
        raise BadRequestError('json_schema is {"name": …, "schema": {…}}')
    return json_form(schema)


def _structured(value: dict[str, Any]) -> Form:
    given = {name: each for name, each in value.items() if each is not None and each is not False}
    if len(given) != 1:
        raise BadRequestError("exactly one of json, json_object, regex and choice is needed")
    ((kind, each),) = given.items()
    return json_form() if kind == "json_object" else _of_kind(kind, each)


def _of_kind(kind: str, value: Any) -> Form:
    if kind == "json" and isinstance(value, dict | str):
        return json_form(value)
    if kind == "regex" and isinstance(value, str):
        return expression_form(value)
    if kind == "choice" and _are_choices(value):
        return choice_form(value)
    raise BadRequestError(f"{kind[:50]!r} of this value is not served")


def _are_choices(value: Any) -> bool:
    is_list = isinstance(value, list) and 0 < len(value) <= MOST_CHOICES
    return is_list and all(isinstance(choice, str) and choice for choice in value)
