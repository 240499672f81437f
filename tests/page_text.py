"""What a page says, asked for as the document in a browser does, where no browser is needed."""

import json

import httpx


def page_text(address: str, path: str, search: str = "") -> str:
    """Return the content of a page of a running application as JSON in one text.

    Args:
        address: of the application.
        path: of the page, with its slash.
        search: query string of the page, with its question mark.
    """
    asked = {
        "output": "..page.children...shown.data..",
        "outputs": [{"id": "page", "property": "children"}, {"id": "shown", "property": "data"}],
        "inputs": [
            {"id": "address", "property": "pathname", "value": path},
            {"id": "address", "property": "search", "value": search},
            {"id": "data-version", "property": "data", "value": None},
            {"id": "desk-changed", "property": "data", "value": None},
        ],
        "changedPropIds": ["address.pathname"],
        "state": [{"id": "shown", "property": "data", "value": None}],
    }
    answer = httpx.post(f"{address.rstrip('/')}/_dash-update-component", json=asked, timeout=60)
    answer.raise_for_status()
    return json.dumps(answer.json(), ensure_ascii=False)
