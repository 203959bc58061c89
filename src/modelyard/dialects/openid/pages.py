"""The pages that people see while they sign in or out: plain HTML that needs no script."""

from collections.abc import Mapping, Sequence
from html import escape

STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: Canvas; color: CanvasText; }
main { width: min(24rem, 100% - 2rem); padding: 1rem 0; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 1rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { box-sizing: border-box; width: 100%; padding: .6rem; font: inherit; border: 1px solid GrayText;
  border-radius: .4rem; background: Field; color: FieldText; }
button { margin: 1.5rem .5rem 0 0; padding: .6rem 1.2rem; font: inherit; border: 1px solid ButtonBorder;
  border-radius: .4rem; background: ButtonFace; color: ButtonText; cursor: pointer; }
:is(input, button):focus-visible { outline: 3px solid Highlight; outline-offset: 1px; }
[role=alert] { padding: .6rem .8rem; border: 1px solid; border-left-width: .4rem; border-radius: .4rem; }
code { font-size: 1.25rem; letter-spacing: .1em; white-space: nowrap; }
code.whole { font-size: 1rem; letter-spacing: 0; white-space: normal; overflow-wrap: anywhere; user-select: all; }
"""

_SCOPES = {
    "openid": "know who you are",
    "profile": "see your name and username",
    "email": "see your e-mail address",
    "groups": "see the names of your groups",
    "offline_access": "act for you while you are away",
}


def login_page(action: str, proof: str, purpose: str, username: str = "", problem: str = "") -> str:
    """The form to sign in; ``purpose`` says what for."""
    focus_name, focus_password = ("", " autofocus") if username else (" autofocus", "")
    fields = f"""<label for="username">Username or e-mail</label>
<input id="username" name="username" value="{escape(username)}" autocomplete="username" autocapitalize="none"
 spellcheck="false" required{focus_name}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{focus_password}>"""
    form = _form(action, proof, fields, [("login", "Sign in")])
    return _page("Sign in", f"{_alert(problem)}<p>{escape(purpose)}</p>{form}")


def new_password_page(action: str, proof: str, username: str, hidden: Mapping[str, str], problem: str = "") -> str:
    """Asks for a password in place of a temporary one; ``hidden`` are fields that only come back."""
    kept = "".join(f'<input type="hidden" name="{name}" value="{escape(text)}">' for name, text in hidden.items())
    fields = f"""{kept}<input name="username" value="{escape(username)}" autocomplete="username" hidden>
<label for="new_password">New password</label>
<input id="new_password" name="new_password" type="password" autocomplete="new-password" required autofocus>
<label for="repeated">New password again</label>
<input id="repeated" name="repeated" type="password" autocomplete="new-password" required>"""
    text = f"<p>The password of {escape(username)} is temporary. Choose one that nobody else knows.</p>"
    return _page("Choose a password", _alert(problem) + text + _form(action, proof, fields, [("login", "Go on")]))


def consent_page(action: str, proof: str, client: str, username: str, scope: str) -> str:
    """Asks whether the client may have the scope."""
    wishes = "".join(f"<li>{escape(_SCOPES[name])}</li>" for name in scope.split())
    text = f"<p><strong>{escape(client)}</strong> asks to use your account {escape(username)}. It wants to:</p>"
    form = _form(action, proof, "", [("approve", "Allow"), ("deny", "Do not allow")])
    return _page("Allow access?", f"{text}<ul>{wishes}</ul>{form}")


def device_code_page(action: str, proof: str, problem: str = "") -> str:
    """Asks for the code that a device shows."""
    field = """<label for="user_code">Code shown on the device</label>
<input id="user_code" name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false"
 maxlength="20" required autofocus>"""
    return _page("Connect a device", _alert(problem) + _form(action, proof, field, [("enter", "Continue")]))


def device_page(action: str, proof: str, client: str, username: str, user_code: str) -> str:
    """Asks whether a device may sign in as the user."""
    shown = f"{user_code[:4]}-{user_code[4:]}"
    text = f"""<p><strong>{escape(client)}</strong> on another device asks to use your account {escape(username)}.</p>
<p>Does the device show this code? <code>{escape(shown)}</code></p>
<p>Only allow it if you started this yourself, just now. Whoever sent you here otherwise gets your account.</p>"""
    form = _form(action, proof, "", [("approve", "Allow"), ("deny", "Do not allow")])
    return _page("Connect a device?", text + form)


def logout_page(action: str, proof: str, username: str) -> str:
    """Asks whether to sign out."""
    form = _form(action, proof, "", [("logout", "Sign out")])
    return _page("Sign out?", f"<p>You are signed in as {escape(username)}.</p>{form}")


def code_page(code: str) -> str:
    """Shows an authorization code, for programs that ask people to copy it."""
    text = "<p>Copy this code into the program that you started the sign-in from:</p>"
    warning = "<p>Give it to nobody else, and close this page if you started no sign-in just now.</p>"
    return _page("Signed in", f'{text}<p><code class="whole">{escape(code)}</code></p>{warning}')


def message_page(title: str, text: str) -> str:
    """Just says something."""
    return _page(title, f"<p>{escape(text)}</p>")


def error_page(text: str) -> str:
    """Says why a request from elsewhere cannot be followed."""
    return _page("This does not work", f"{_alert(text)}<p>Go back to where you came from and try again.</p>")


def _form(action: str, proof: str, fields: str, buttons: Sequence[tuple[str, str]]) -> str:
    ends = "".join(f'<button name="action" value="{value}">{label}</button>' for value, label in buttons)
    hidden = f'<input type="hidden" name="csrf" value="{escape(proof)}">'
    return f'<form method="post" action="{escape(action)}">{hidden}{fields}{ends}</form>'


def _alert(text: str) -> str:
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def _page(title: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Modelyard</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
