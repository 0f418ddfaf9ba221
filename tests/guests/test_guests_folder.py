"""A guest's folder: no path leads out of it, files go in and out whole."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapcli.guests import folder
from snapcli.guests.errors import GuestError, OutsideGuest


@pytest.fixture
def root(tmp_path: Path) -> str:
    made = str(tmp_path / "guest")
    folder.make(made)
    return made


def test_a_guest_begins_with_the_folders_that_programs_expect(root: str) -> None:
    assert stat.S_IMODE(os.stat(f"{root}/tmp").st_mode) == 0o1777
    assert stat.S_IMODE(os.stat(f"{root}/root").st_mode) == 0o700
    Path(root, "tmp/kept").touch()
    folder.make(root)
    assert Path(root, "tmp/kept").exists()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/tmp/a", "tmp/a"),
        ("tmp/a", "tmp/a"),
        ("/tmp/../../../etc/passwd", "etc/passwd"),
        ("../..", "."),
        ("/./tmp//a/", "tmp/a"),
        ("/out/passwd", "etc/passwd"),
        ("/up/etc", "etc"),
        ("/loop", "tmp"),
    ],
)
def test_no_path_leads_out_of_the_guest_by_name(root: str, path: str, expected: str) -> None:
    os.symlink("/etc", f"{root}/out")
    os.symlink("../../../..", f"{root}/up")
    os.symlink("/up/../tmp", f"{root}/loop")
    assert os.path.normpath(folder.resolve(root, path)) == os.path.normpath(f"{root}/{expected}")


def test_a_ring_of_links_is_refused(root: str) -> None:
    os.symlink("/b", f"{root}/a")
    os.symlink("/a", f"{root}/b")
    with pytest.raises(OutsideGuest, match="ring"):
        folder.resolve(root, "/a/x")
    with pytest.raises(OutsideGuest, match="NUL"):
        folder.resolve(root, "a\0b")


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b", "out", "tmp"]), max_size=12))
def test_whatever_is_asked_for_lies_inside(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    root = str(tmp_path_factory.getbasetemp() / "inside")
    if not os.path.isdir(root):
        folder.make(root)
        os.symlink("/", f"{root}/out")
        os.symlink("../../..", f"{root}/b")
    found = os.path.realpath(folder.resolve(root, "/".join(parts)))
    assert found == os.path.realpath(root) or found.startswith(os.path.realpath(root) + "/")


def test_a_file_goes_in_with_its_very_mode_and_comes_out_again(root: str) -> None:
    assert folder.put(root, "/tmp/deep/prescript.sh", [b"#!/bin/sh\n", b"exit 0\n"], 0o700) == 17
    assert stat.S_IMODE(os.stat(f"{root}/tmp/deep/prescript.sh").st_mode) == 0o700
    assert b"".join(folder.get(root, "tmp/deep/prescript.sh")) == b"#!/bin/sh\nexit 0\n"
    assert os.listdir(f"{root}/tmp/deep") == ["prescript.sh"]


def test_a_link_out_of_the_guest_is_followed_inside_it(root: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("outside")
    os.symlink(str(secret), f"{root}/tmp/link")
    folder.put(root, "/tmp/link", [b"inside"])
    assert secret.read_text() == "outside"
    assert b"".join(folder.get(root, "/tmp/link")) == b"inside"


@pytest.mark.parametrize("path", ["/tmp", "/absent", "/tmp/pipe"])
def test_what_is_no_file_is_told(root: str, path: str) -> None:
    os.mkfifo(f"{root}/tmp/pipe")
    with pytest.raises(GuestError):
        list(folder.get(root, path))


def test_a_folder_is_not_written_over(root: str) -> None:
    with pytest.raises(GuestError, match="folder"):
        folder.put(root, "/tmp", [b""])
    Path(root, "file").touch()
    with pytest.raises(GuestError, match="written"):
        folder.put(root, "/file/inside", [b""])


def test_devices_are_links_to_the_images_of_the_disks(root: str) -> None:
    os.symlink("/x/a.raw", Path(root, "dev", "vda"))  # as they were made once
    for names in (("vda", "vdb"), ("vda", "vdc")):
        folder.link_devices(root, dict(zip(names, ("/x/a.raw", "/x/b.raw"), strict=True)))
    assert sorted(os.listdir(f"{root}/dev")) == ["vda", "vdc"]
    assert os.path.realpath(f"{root}/dev/vdc") == "/x/b.raw"
    assert not any(os.readlink(f"{root}/dev/{name}").startswith("/") for name in ("vda", "vdc"))
