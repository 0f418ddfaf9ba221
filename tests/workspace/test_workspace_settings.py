"""workspace.toml: reading, explaining mistakes, changing it with its comments kept."""

import os
import threading
import tomllib
from pathlib import Path

import msgspec
import pytest

from snapcli.workspace import settings_check, settings_edit
from snapcli.workspace.errors import SettingError, WorkspaceError
from snapcli.workspace.location import create
from snapcli.workspace.settings import PRESETS, Settings, Speed, load
from snapcli.workspace.settings_template import TEMPLATE
from snapcli.workspace.store import Workspace


@pytest.fixture
def root(tmp_path: Path) -> str:
    path = str(tmp_path / "w")
    create(path)
    return path


def write(root: str, text: str) -> None:
    Path(root, "workspace.toml").write_text(text)


def test_the_template_says_every_default_and_nothing_else() -> None:
    assert msgspec.convert(tomllib.loads(TEMPLATE), Settings) == Settings()
    names = [
        f"{table}.{key}" if table else key
        for table, content in [("", tomllib.loads(TEMPLATE))]
        for key in content
        if not isinstance(content[key], dict)
    ]
    assert names == [key.name for key in settings_check.known_keys() if "." not in key.name]
    for key in settings_check.known_keys(tuple(PRESETS)):
        assert f"\n{key.name.rsplit('.', 1)[-1]} = " in TEMPLATE


def test_what_is_left_out_has_its_default(root: str) -> None:
    write(root, "")
    assert load(root) == Settings()
    write(root, 'speed = "mine"\n[speeds.mine]\n[speeds.quick]\nsnapshot_minimum_seconds = 7\n')
    settings = load(root)
    assert settings.current_speed() == Speed()
    assert settings.speeds["quick"] == Speed(
        snapshot_mib_per_second=1024,
        snapshot_minimum_seconds=7,
        local_snapshot_seconds=1,
        copy_mib_per_second=256,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("region = 5", "region = 5 is not right: it must be a name"),
        ('region = "../x"', "must be a name of small letters"),
        ('sped = "quick"', "no setting sped. Did you mean speed?"),
        ('speed = "quik"', "Did you mean quick?"),
        ('speed = "zoom"', r"Or describe it in [speeds.zoom]"),
        ('account_id = "12"', "must be a string of 16 digits"),
        ("account_id = 1234567890123456", "must be a string of 16 digits"),
        ("quotas.disks_per_instance = 0", "must be a whole number from 1 to 100000"),
        ("quotas.disks_per_instance = 1.5", "must be a whole number from 1 to 100000"),
        ("quotas.disks_per_instance = true", "must be a whole number from 1 to 100000"),
        ("disks_per_instance = 1", "Did you mean quotas.disks_per_instance?"),
        ("quotas = 3", "quotas is a table. It holds quotas.manual"),
        ("[region]", "region = "),
        ("[quota]", "no setting quota"),
        ("[speeds.quick]\nspeed = 1", "no setting speeds.quick.speed"),
        ('[speeds."A b"]', "a speed cannot be named 'A b'"),
        ("[speeds.quick]\ndisk_seconds = -1", "must be a number of seconds from 0"),
        ("[speeds.quick]\ndisk_seconds = nan", "must be a number of seconds from 0"),
        ("[speeds.quick]\nsnapshot_mib_per_second = inf", "must be a number from 0"),
        ('time_zone = "Asia/Shanhai"', "Did you mean Asia/Shanghai?"),
        ('time_zone = "../etc"', "not the name of a time zone"),
        ('clock.mode = "stopped"', 'must be "system" or "frozen"'),
        ('clock.mode = "frozen"', "needs clock.at"),
        ('clock.at = "yesterday"', "must be an instant"),
        ('clock.at = "now"', "must be an instant"),
        ('clock.at = "0001-01-01T00:00:00Z"', "must be an instant"),
        ("clock.offset_seconds = 1e99", "must be a number of seconds"),
        ('format = "1"', 'format = "1" is not right: it must be 1'),
        ("format = 0", "format = 0 is not right"),
        ("format = 2", "newer snapcli (format 2). Update snapcli."),
        ("region = ", "not valid TOML"),
        ("region = 'a'\nregion = 'b'", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_file_key_value_and_what_would_be_right(
    root: str, text: str, words: str
) -> None:
    write(root, text)
    with pytest.raises(WorkspaceError) as caught:
        load(root)
    assert words in str(caught.value)
    assert caught.value.path == os.path.join(root, "workspace.toml")
    assert caught.value.path in caught.value.message


def test_a_file_that_is_no_text_or_not_there_is_named(root: str) -> None:
    path = Path(root, "workspace.toml")
    path.write_bytes(b'region = "\xff"')
    with pytest.raises(WorkspaceError, match="not UTF-8"):
        load(root)
    path.unlink()
    with pytest.raises(WorkspaceError, match=r"missing.*snapcli init"):
        load(root)
    path.mkdir()
    with pytest.raises(WorkspaceError, match="cannot be read"):
        load(root)


def test_an_edit_counts_at_once_even_within_the_same_instant_and_length(root: str) -> None:
    path = Path(root, "workspace.toml")
    write(root, 'region = "cn-a"')
    stamp = os.stat(path)
    assert load(root).region == "cn-a"
    path.write_text('region = "cn-b"')
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert load(root).region == "cn-b"


def test_the_cache_saves_decoding_and_may_be_anything(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load(root)
    cache = Path(root, "state", "settings.json")
    good = cache.read_bytes()
    monkeypatch.setattr(settings_check, "decode", None)
    assert load(root) == expected
    monkeypatch.undo()
    for bad in (b"", b"{", b"\xff", good[:-9], good.replace(b"cn-hangzhou", b"cn-x")):
        cache.write_bytes(bad)
        assert load(root) == expected
        assert cache.read_bytes() == good
    cache.unlink()
    cache.mkdir()
    assert load(root) == expected
    assert [name for name in os.listdir(cache.parent) if name.endswith(".new")] == []


def test_what_a_crash_left_of_a_cache_goes_with_the_next_writer(root: str) -> None:
    Path(root, "state").mkdir()
    left = Path(root, "state", "settings.json.new")
    left.write_text("half")
    with Workspace.open(root).read():
        assert left.exists()
    with Workspace.open(root).write():
        assert not left.exists()
    assert Path(root, "state", "settings.json").exists()


def test_a_value_is_set_with_comments_and_layout_kept(root: str) -> None:
    text = (
        '# mine\nspeed   = "quick"   # fast enough\n\n[quotas] # few\n'
        "  disks_per_instance = 3 # small\n"
    )
    write(root, text)
    assert settings_edit.set_value(root, "speed", "instant") == "instant"
    assert settings_edit.set_value(root, "quotas.disks_per_instance", "4") == 4
    found = Path(root, "workspace.toml").read_text()
    assert found == text.replace('"quick"', '"instant"').replace("= 3", "= 4")
    assert load(root).current_speed() == Speed()


def test_a_key_that_was_left_out_is_added_where_it_belongs(root: str) -> None:
    write(root, "# mine\n[speeds.quick]\ndisk_seconds = 1\n")
    settings_edit.set_value(root, "speeds.mine.disk_seconds", "1.5")
    settings_edit.set_value(root, "speed", "mine")
    settings_edit.set_value(root, "quotas.tags_per_resource", "9")
    settings = load(root)
    assert settings.current_speed() == Speed(disk_seconds=1.5)
    assert settings.speeds["quick"].disk_seconds == 1
    assert settings.quotas.tags_per_resource == 9
    assert "# mine" in Path(root, "workspace.toml").read_text()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("sped", "x", "Did you mean speed?"),
        ("speed", "zoom", "is not a speed"),
        ("quotas", "1", "is a table"),
        ("quotas.disks_per_instance", "many", "a whole number"),
        ("clock.mode", "frozen", "needs clock.at"),
        ("format", "2", "newer snapcli"),
    ],
)
def test_a_value_that_is_not_right_changes_nothing(
    root: str, key: str, value: str, words: str
) -> None:
    before = Path(root, "workspace.toml").read_bytes()
    with pytest.raises(WorkspaceError) as caught:
        settings_edit.set_many(root, {"region": "cn-new", key: value})
    assert words in str(caught.value)
    assert Path(root, "workspace.toml").read_bytes() == before


def test_a_wrong_file_can_be_put_right_by_setting_the_wrong_key(root: str) -> None:
    write(root, 'speed = "zoom"\n')
    settings_edit.set_value(root, "speed", "quick")
    assert load(root).speed == "quick"


def test_get_and_list_say_what_is_in_force_and_from_where(root: str) -> None:
    write(root, 'region = "cn-beijing"\n')
    assert settings_edit.get(root, "region") == "cn-beijing"
    assert settings_edit.get(root, "speeds.quick.snapshot_mib_per_second") == 1024
    for key in ("regio", "quotas", "speeds.zoom.disk_seconds"):
        with pytest.raises(WorkspaceError):
            settings_edit.get(root, key)
    listed = {name: (value, source) for name, value, source in settings_edit.list_values(root)}
    assert listed["region"] == ("cn-beijing", "file")
    assert listed["quotas.disks_per_instance"] == (17, "default")
    assert listed["speeds.realistic.disk_seconds"] == (5, "default")


def test_a_linked_file_stays_linked_and_keeps_its_mode(root: str, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    Path(root, "workspace.toml").rename(real)
    real.chmod(0o640)
    Path(root, "workspace.toml").symlink_to(real)
    settings_edit.set_value(root, "speed", "instant")
    assert Path(root, "workspace.toml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert load(root).speed == "instant"


def test_settings_changed_at_once_by_several_lose_nothing(root: str) -> None:
    names = ["manual_snapshots_per_disk", "disks_per_instance", "tags_per_resource"]
    threads = [
        threading.Thread(target=settings_edit.set_value, args=(root, f"quotas.{name}", "5"))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [settings_edit.get(root, f"quotas.{name}") for name in names] == [5, 5, 5]


def test_a_value_is_checked_without_being_set(root: str) -> None:
    before = Path(root, "workspace.toml").read_bytes()
    settings_edit.check_value(root, "clock.offset_seconds", "5")
    for key, value in (("clock.mode", "slow"), ("clock.speed", "1")):
        with pytest.raises(SettingError):
            settings_edit.check_value(root, key, value)
    assert Path(root, "workspace.toml").read_bytes() == before


def test_an_instant_of_toml_itself_is_as_good_as_a_quoted_one(root: str) -> None:
    write(root, '[clock]\nmode = "frozen"\nat = 2024-01-31T16:00:00+08:00\n')
    assert load(root).clock.at == "2024-01-31T08:00:00Z"
