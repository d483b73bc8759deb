"""Passwords cost what was chosen, for everybody alike, and never all of the host."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import argon2
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client as Browser

from accounts import hash_slots, hashers
from accounts.hash_slots import MOST_THREADS, SLOTS, HashingBusyError, hold_slot, take_slot
from accounts.hashers import MAX_PASSWORD_LENGTH
from accounts.models import TokenBucket, User
from tests.conftest import PASSWORD, World
from tests.factories import UserFactory

ROOT = Path(__file__).resolve().parents[2]
HOLD_BOTH = """
import sys, time
from accounts.hash_slots import take_slot
slots = [take_slot(), take_slot()]
print("held", flush=True)
time.sleep(60)
"""
NEW = "an entirely different battery staple"


def sign_in(email: str = "alice@acme.example", password: str = PASSWORD) -> Any:
    """One attempt in a browser of its own."""
    browser = Browser(raise_request_exception=False, headers={"Accept": "text/html"})
    return browser.post("/accounts/login", {"login": email, "password": password})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a slot."""
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 0.0)


@contextmanager
def all_slots_taken() -> Iterator[None]:
    """As if other processes were hashing."""
    with ExitStack() as stack:
        for _ in SLOTS:
            stack.callback(os.close, take_slot())
        yield


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry for each hash that was computed."""
    runs: list[None] = []
    monkeypatch.setattr(hashers, "hold_slot", lambda: runs.append(None) or hold_slot())
    return runs


@pytest.mark.case(355)
def test_no_more_than_two_threads_hash_at_once_and_the_rest_is_told_to_wait(
    impatient: None,
) -> None:
    inside, most, lock = 0, 0, threading.Lock()
    start = threading.Barrier(12)

    def hash_once(_: int) -> bool:
        nonlocal inside, most
        start.wait()
        try:
            with hold_slot():
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.05)
                with lock:
                    inside -= 1
        except HashingBusyError:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        done = list(pool.map(hash_once, range(12)))
    assert most == len(SLOTS) == 2
    assert 2 <= sum(done) < 12
    with hold_slot(), hold_slot():
        pass


@pytest.mark.case(355)
def test_few_threads_of_a_process_wait_so_that_the_others_serve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hash_slots, "WAIT_SECONDS", 0.3)
    start = threading.Barrier(8)

    def hash_once(_: int) -> float:
        start.wait()
        began = time.monotonic()
        with pytest.raises(HashingBusyError), hold_slot():
            pass
        return time.monotonic() - began

    with all_slots_taken(), ThreadPoolExecutor(8) as pool:
        waited = sorted(pool.map(hash_once, range(8)))
    assert sum(seconds > 0.2 for seconds in waited) == MOST_THREADS


@pytest.mark.case(355)
def test_a_slot_is_free_again_after_its_process_was_killed(impatient: None) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_BOTH], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        # Another process's slots count as well as another thread's.
        with pytest.raises(HashingBusyError), hold_slot():
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with hold_slot():
        pass


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for temporary files in which nothing is yet; the path of ours in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hash_slots.make_directory.cache_clear()
    yield tmp_path / f"docjacket-{os.geteuid()}-{hash_slots.CHECKOUT}"
    hash_slots.make_directory.cache_clear()


@pytest.mark.case(355)
def test_nobody_else_can_reach_the_slots(impatient: None, elsewhere: Path) -> None:
    with hold_slot():
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
    (slot,) = elsewhere.iterdir()
    assert stat.S_IMODE(slot.stat().st_mode) == 0o600
    # What is free for all to open may be locked by all, and is no slot.
    with ExitStack() as stack:
        for name in ("hash_slots.py", "hashers.py"):
            file = stack.enter_context((ROOT / "accounts" / name).open())
            fcntl.flock(file, fcntl.LOCK_EX)
        with hold_slot(), hold_slot():
            pass


@pytest.mark.case(355)
@pytest.mark.parametrize("squat", ["open", "link", "file"])
def test_a_directory_that_is_not_ours_alone_is_not_used_and_sign_in_goes_on(
    impatient: None,
    elsewhere: Path,
    tmp_path: Path,
    squat: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o700)
    if squat == "open":
        elsewhere.mkdir()
        elsewhere.chmod(0o777)
    elif squat == "link":
        elsewhere.symlink_to(theirs)
    else:
        elsewhere.touch(mode=0o700)
    with all_slots_taken(), pytest.raises(HashingBusyError), hold_slot():
        pass
    with hold_slot():
        pass
    assert not list(theirs.iterdir())
    assert squat != "open" or not list(elsewhere.iterdir())
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.case(355)
@pytest.mark.django_db
def test_signing_in_while_all_slots_are_taken_is_a_503_that_counts_for_nothing(
    impatient: None, world: World, log: Callable[[], Any]
) -> None:
    with all_slots_taken():
        answer = sign_in()
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    row = log().get()
    assert (row.event, row.reason, row.http_status) == (
        "accounts.password.busy",
        "hashing_busy",
        503,
    )
    assert row.reference in answer.content.decode()
    assert all(bucket.tokens >= 4.99 for bucket in TokenBucket.objects.all())
    assert sign_in().status_code == 302


@pytest.mark.case(355)
@pytest.mark.django_db
def test_other_forms_are_a_503_as_well_while_all_slots_are_taken(
    impatient: None, world: World, sign_in: Callable[[User], Browser], log: Callable[[], Any]
) -> None:
    operator = UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    change = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    add = {"email": "new@acme.example", "usable_password": "true"}
    forms = [
        (sign_in(world.alice), "/accounts/password/change", change),
        (sign_in(world.ben), "/accounts/reauthenticate", {"password": PASSWORD}),
        (
            sign_in(operator),
            "/admin/accounts/user/add/",
            add
            | {"password1": NEW, "password2": NEW}
            | {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"},
        ),
    ]
    for browser, path, fields in forms:
        with all_slots_taken():
            answer = browser.post(path, fields)
        assert answer.status_code == 503, path
        assert answer["Retry-After"] == "5"
        assert browser.post(path, fields).status_code == 302, path
    assert log().filter(event="accounts.password.busy").count() == 3
    assert User.objects.get(id=world.alice.id).check_password(NEW)


@pytest.mark.case(350)
@pytest.mark.django_db
def test_every_attempt_that_fails_costs_the_same(
    hashed: list[None], world: World, log: Callable[[], Any]
) -> None:
    UserFactory(email="off@acme.example", is_active=False)
    User.objects.create_user("unusable@acme.example")
    User.objects.bulk_create(
        [
            User(email="old@acme.example", password=PBKDF2PasswordHasher().encode("x", "salt")),
            User(email="odd@acme.example", password="nonsense"),
            User(email="none@acme.example", password=""),
        ]
    )
    hashed.clear()
    pages = set()
    for name in ("nobody", "alice", "off", "unusable", "old", "odd", "none"):
        answer = sign_in(f"{name}@acme.example", "not the password")
        assert answer.status_code == 200
        assert len(hashed) == 1, name
        hashed.clear()
        content = (
            answer.content.decode().replace(f"{name}@", "").replace(answer["Reference-Id"], "")
        )
        pages.add(content.partition("csrfmiddlewaretoken")[0] + content.partition("<h1>")[2])
    # Somebody switched off with the right password as well.
    assert sign_in("off@acme.example").status_code == 200
    assert len(hashed) == 1
    assert len(pages) == 1


@pytest.mark.case(350)
@pytest.mark.django_db
def test_a_cheaper_hash_is_replaced_at_sign_in(world: World) -> None:
    cheap = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    User.objects.filter(id=world.alice.id).update(password=f"argon2{cheap}")
    assert sign_in("alice@acme.example", "not the password").status_code == 200
    assert User.objects.get(id=world.alice.id).password == f"argon2{cheap}"
    assert sign_in().status_code == 302
    assert "$m=19456,t=2,p=1$" in User.objects.get(id=world.alice.id).password


@pytest.mark.case(355)
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("length", "runs", "reason"),
    [
        (MAX_PASSWORD_LENGTH, 1, "wrong_password"),
        (MAX_PASSWORD_LENGTH + 1, 0, "password_too_long"),
        (1024 * 1024, 0, "password_too_long"),
    ],
)
def test_a_password_nobody_can_have_is_refused_before_it_is_hashed(
    hashed: list[None],
    world: World,
    log: Callable[[], Any],
    length: int,
    runs: int,
    reason: str,
) -> None:
    hashed.clear()
    answer = sign_in(password="x" * length)
    assert answer.status_code == 200
    assert len(hashed) == runs
    row = log().get()
    assert (row.event, row.reason) == ("accounts.sign_in.failed", reason)


@pytest.mark.case(355)
@pytest.mark.django_db
@pytest.mark.parametrize("length", [MAX_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH + 1])
def test_a_new_password_may_be_as_long_as_can_be_hashed(
    world: World, sign_in: Callable[[User], Browser], length: int
) -> None:
    new = ("a long passphrase " * 100)[: length - 1] + "!"
    change = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    answer = sign_in(world.alice).post("/accounts/password/change", change)
    is_good = length <= MAX_PASSWORD_LENGTH
    assert answer.status_code == (302 if is_good else 200)
    assert is_good or "at most 1024 characters" in answer.content.decode()
    assert User.objects.get(id=world.alice.id).check_password(PASSWORD) != is_good


@pytest.mark.case(355)
@pytest.mark.django_db
def test_an_operator_cannot_set_a_longer_one_either(
    world: World, sign_in: Callable[[User], Browser]
) -> None:
    operator = UserFactory(email="operator@host.example", is_staff=True, is_superuser=True)
    new = "a long passphrase " * 100
    for path in ("/admin/accounts/user/add/", f"/admin/accounts/user/{world.ben.pk}/password/"):
        fields = {"email": "new@acme.example", "usable_password": "true"}
        fields |= {"password1": new, "password2": new}
        answer = sign_in(operator).post(path, fields)
        assert answer.status_code == 200
        assert "at most 1024 characters" in answer.content.decode()
    assert not User.objects.filter(email="new@acme.example").exists()
    assert User.objects.get(id=world.ben.pk).check_password(PASSWORD)
