"""A named proxy is believed about addresses, names and people; nobody else is."""

import pytest

from omentum.app.server.access import Access, checked_access
from omentum.app.server.app import make_app, make_state
from omentum.app.server.requests import read_request
from omentum.errors import ConfigError

from .conftest import PASSWORDS, PORT, TestClient

PROXY, NAME = "10.0.0.5", "review.hospital.org"
PAGE = f"https://{NAME}"
FORWARDED = {
    "x-forwarded-for": "192.168.7.9",
    "x-forwarded-proto": "https",
    "x-forwarded-host": NAME,
    "origin": PAGE,
}


def behind(state_of, peer=PROXY, **headers):
    """A browser whose requests come from a peer."""
    sent = {**FORWARDED, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return TestClient(state_of, base_url="http://10.0.0.7:8765", client=(peer, 5000), headers=sent)


@pytest.fixture
def served(queued, people, tmp_path):
    """Function: an application with this access."""

    def serve(**how):
        access = checked_access(
            host="10.0.0.7", host_names=[NAME], proxies=[PROXY, "10.1.0.0/16"], has_people=True, **how
        )
        return make_app(make_state(queued.workspace, "anna", access=access), PORT, tmp_path / "no-page")

    return serve


def test_people_log_in_through_a_proxy_under_its_name_and_with_a_cookie_for_tls(served):
    client = behind(served())
    answer = client.post("/api/login", json={"name": "anna", "password": PASSWORDS["anna"]})
    assert answer.status_code == 204
    assert "Secure" in answer.headers["set-cookie"].split("; ")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    assert client.get("/api/session", headers={"cookie": cookie}).json()["reader"] == "anna"


def test_passwords_are_not_taken_in_the_clear_from_other_machines_than_the_proxy(served):
    answer = behind(served(), peer="10.0.0.6").post(
        "/api/login", json={"name": "anna", "password": PASSWORDS["anna"]}
    )
    assert (answer.status_code, answer.json()["kind"]) == (403, "foreign-peer")


def test_under_tls_of_its_own_anybody_may_ask_and_headers_of_strangers_count_for_nothing(served, tmp_path):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("made for the test of a path")
    app = served(certificate=(tmp_path / "cert.pem", tmp_path / "key.pem"))
    answer = behind(app, peer="10.0.0.6", host="evil.example", x_forwarded_host=NAME).get("/api/login")
    assert (answer.status_code, answer.json()["kind"]) == (421, "foreign-host")
    plain = behind(app, peer="10.0.0.6").get("/api/login")
    assert plain.json() == {"mode": "password"}


def test_waits_count_for_the_browser_behind_the_proxy_and_what_it_adds_to_the_header_is_not_believed(
    served, monkeypatch
):
    monkeypatch.setattr("omentum.app.server.logins.is_password_of", lambda *_: False)  # a wait may be 1 s
    app = served()
    told = {"name": "x", "password": "not the password"}
    for number in range(20):
        sent = {"x-forwarded-for": f"1.2.3.{number}, 192.168.7.9, 10.1.2.3"}
        behind(app).post("/api/login", json={**told, "name": f"x{number}"}, headers=sent)
    assert behind(app).post("/api/login", json={**told, "name": "y"}).status_code == 429
    other = behind(app, x_forwarded_for="192.168.7.10")
    assert other.post("/api/login", json={**told, "name": "y"}).status_code == 401


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("1.2.3.4, 192.168.7.9", "192.168.7.9"),
        ("192.168.7.9:50123", "192.168.7.9"),
        ("192.168.7.9:50123, 10.1.2.3:443", "192.168.7.9"),
        ("[2001:db8::7]:50123", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:DB8:0::7", "2001:db8::7"),
        ("unknown", PROXY),
        ("1.2.3.4, unknown", PROXY),
        ("1.2.3.4, 999.1.1.1:80, 10.1.2.3", PROXY),
        ("10.1.2.3:443", PROXY),
        ("", PROXY),
    ],
)
def test_a_browsers_address_is_one_however_the_proxy_writes_it_and_else_that_of_the_proxy(written, address):
    access = checked_access(proxies=[PROXY, "10.1.0.0/16"], has_people=True)
    headers = [(b"x-forwarded-for", written.encode())]
    scope = {"type": "http", "path": "/", "client": (PROXY, 5000), "headers": headers}
    assert read_request(scope, access, "omentum-8765").peer == PROXY
    assert scope["client"][0] == address


def test_a_named_proxy_says_who_asks(served):
    app = served(user_header="X-Remote-User")
    told = behind(app, x_remote_user="ada").get("/api/session").json()
    assert (told["reader"], told["roles"], told["login"]) == ("ada", ["adjudicator"], "proxy")
    assert behind(app).get("/api/login").json() == {"mode": "proxy"}
    answer = behind(app).post("/api/login", json={"name": "anna", "password": PASSWORDS["anna"]})
    assert (answer.status_code, answer.json()["kind"]) == (409, "refused")


def test_a_stranger_who_sends_the_proxys_header_is_refused(served, tmp_path):
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("made for the test of a path")
    certificate = (tmp_path / "cert.pem", tmp_path / "key.pem")
    app = served(user_header="X-Remote-User", certificate=certificate)
    answer = behind(app, peer="10.0.0.6", x_remote_user="chief").get("/api/people")
    assert (answer.status_code, answer.json()["kind"]) == (401, "stranger")


@pytest.mark.parametrize("names", [[], [""], ["nobody"], ["chief", "anna"], ["ANNA"]])
def test_a_header_that_names_no_person_or_several_lets_nobody_in(served, names):
    client = behind(served(user_header="X-Remote-User"))
    answer = client.get("/api/session", headers=[("x-remote-user", name) for name in names])
    assert (answer.status_code, answer.json()["kind"]) == (401, "no-session")


def test_behind_a_proxy_another_sites_page_is_refused_all_the_same(served):
    client = behind(served(user_header="X-Remote-User"), x_remote_user="chief", origin="https://evil.example")
    answer = client.post("/api/people", json={"name": "eve", "roles": ["admin"]})
    assert (answer.status_code, answer.json()["kind"]) == (403, "foreign-origin")


def test_without_the_option_the_header_means_nothing(served):
    answer = behind(served(), x_remote_user="chief").get("/api/session")
    assert (answer.status_code, answer.json()["kind"]) == (401, "no-session")


@pytest.mark.parametrize(
    ("how", "rule"),
    [
        ({"host": "0.0.0.0", "has_people": False}, "people add"),
        ({"host": "10.0.0.7", "has_people": True}, "in the clear"),
        ({"host": "0.0.0.0", "proxies": [PROXY], "has_people": True}, "--host-name"),
        ({"host": "review.hospital.org", "has_people": True}, "names go into --host-name"),
        ({"proxies": [PROXY], "has_people": False}, "--proxy is '10.0.0.5/32'"),
        ({"host_names": [NAME], "has_people": False}, "for people who log in"),
        ({"proxies": ["0.0.0.0/0"], "has_people": True}, "/8 or narrower"),
        ({"proxies": ["128.0.0.0/1", "0.0.0.0/1"], "has_people": True}, "/8 or narrower"),
        ({"proxies": ["10.0.0.0/7"], "has_people": True}, "/8 or narrower"),
        ({"proxies": ["::/0"], "has_people": True}, "/32 or narrower"),
        ({"proxies": ["2000::/31"], "has_people": True}, "/32 or narrower"),
        ({"proxies": ["proxy.hospital.org"], "has_people": True}, "such as 10.0.0.5"),
        ({"user_header": "X-Remote-User", "has_people": True}, "anybody could send it"),
        ({"user_header": "Cookie", "proxies": [PROXY], "has_people": True}, "header of its own"),
        ({"host_names": ["https://review.hospital.org"], "has_people": True}, "without http://"),
    ],
)
def test_what_would_let_others_in_is_refused_with_the_cure(how, rule):
    with pytest.raises(ConfigError, match=rule):
        checked_access(**how)


def test_certificate_and_key_go_together_and_must_be_there(tmp_path):
    missing = tmp_path / "cert.pem"
    with pytest.raises(ConfigError, match="--tls-key"):
        checked_access(certificate=(missing, None), has_people=True)
    with pytest.raises(ConfigError, match="no such file"):
        checked_access(certificate=(missing, missing), has_people=True)


def test_networks_of_a_hospital_are_taken():
    access = checked_access(proxies=["10.0.0.0/8", "2001:db8::/32"], has_people=True)
    assert access.is_proxy("10.255.0.1")
    assert access.is_proxy("2001:db8:ffff::1")


def test_an_ipv6_listener_knows_its_ipv4_proxy():
    access = checked_access(proxies=["10.0.0.5"], has_people=True)
    assert access.is_proxy("::ffff:10.0.0.5")
    assert not access.is_proxy("unix:")
    assert not Access().is_proxy("127.0.0.1")
