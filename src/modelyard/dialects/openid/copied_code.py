"""Where browsers end up that signed in for a program without an address of its own: a page that shows the code.

The Seldon Deploy SDK sends people here and asks them to paste what they read.
"""

import re

from starlette.responses import Response

from modelyard.dialects.openid.dialect import openid
from modelyard.dialects.openid.pages import code_page, error_page
from modelyard.dialects.openid.visits import Visit
from modelyard.web.call import Call
from modelyard.web.routing import PUBLIC

_CODE = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_TEXT_MAX = 200


@openid.get("/seldon-deploy/auth/callback", PUBLIC)
async def show_code(call: Call) -> Response:
    """The code, or why there is none."""
    visit, given = await Visit.of(call), call.request.query_params
    code = given.get("code", "")
    if "error" not in given and _CODE.fullmatch(code):
        return visit.page(code_page(code))
    reason = given.get("error_description") or given.get("error") or "There is no code in this address."
    return visit.page(error_page(reason[:_TEXT_MAX]), 400)
