"""Users as an administrator keeps them: invite, find, list, deactivate, activate."""

from steps import sign_in, text_of


def run(given):
    client = sign_in(given)
    email = given["email"]
    before = client.get_user_by_email(email)
    invited = client.invite_user(email, given["password"])
    again = client.invite_user(email, given["password"])
    found = client.get_user_by_email(email)
    client.deactivate_user(email)
    off = client.get_user_by_email(email).enabled()
    client.activate_user(email)
    on = client.get_user_by_email(email).enabled()
    return {
        "before": before,
        "invited": invited["id"] == found.id(),
        "again": again["id"] == found.id(),
        "email": found.email(),
        "listed": email in [user.email() for user in client.list_users()],
        "email_by_id": client.get_email_by_id(found.id()),
        "off": off,
        "on": on,
        "nobody": text_of(client.deactivate_user, "nobody@example.com"),
    }
