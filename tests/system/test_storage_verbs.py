"""home, device and user as somebody types them, on the running system."""

import json
import os
import ssl
import subprocess
import sys
import time
import uuid

import paho.mqtt.client as mqtt
import psycopg
import pytest

from deploy.site import REPOSITORY

pytestmark = pytest.mark.services


@pytest.fixture
def shouwang(site):
    """Runs the command line on the test site; returns (exit code, stdout, stderr)."""

    def run(*words, stdin=""):
        environment = os.environ | {"SHOUWANG_DATA": str(site.data), "SHOUWANG_PORT_BASE": str(site.port_base)}
        done = subprocess.run(
            [sys.executable, "-m", "cli", *words],
            cwd=REPOSITORY,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def home():
    return f"v{uuid.uuid4().hex[:10]}"


def table(home):
    return (
        "record,home_id,area_code,address,resident_id,name,birth_year,sex,phone,contact_name,contact_relation,contact_phone,device_id,role,room\n"
        f"home,{home},330282001001,慈溪市浒山街道1号,,,,,,,,,,,\n"
        f"resident,{home},,,{home}-r,王秀英,1938,女,13800000000,,,,,,\n"
        f"contact,{home},,,,,,,,李强,儿子,13900000000,,,\n"
        f"device,{home},,,,,,,,,,,door,entrance_door,entrance\n"
    )


def test_an_import_names_bad_lines_takes_all_or_nothing_and_can_be_repeated(shouwang, home, tmp_path):
    file = tmp_path / "homes.csv"
    file.write_text(table(home) + f"device,{home},,,,,,,,,,,watch,watch,living\n")
    code, out, err = shouwang("home", "import", str(file))
    assert code == 1
    assert f"{file}:6: role 'watch' is none of" in err
    assert "nothing was taken" in out
    assert home not in shouwang("home", "list")[1]

    code, out, _ = shouwang("home", "import", str(file), "--skip-bad", "--json")
    found = json.loads(out)
    assert (code, found["taken"], found["devices"], [bad["line"] for bad in found["bad"]]) == (1, True, 1, [6])

    file.write_text(table(home))
    code, out, _ = shouwang("home", "import", str(file), "--json")
    assert (code, json.loads(out)["cards_changed"], json.loads(out)["bad"]) == (0, 0, [])
    homes = {
        each["home_id"]: each
        for each in json.loads(shouwang("home", "list", "--json", "--at-most", "100000")[1])["homes"]
    }
    assert (homes[home]["residents"], homes[home]["devices"]) == (["王秀英"], 1)


def test_passwords_of_an_import_go_into_one_file_that_only_its_owner_reads(shouwang, home, tmp_path):
    file, passwords = tmp_path / "homes.csv", tmp_path / "passwords.csv"
    file.write_text(table(home))
    code, _, err = shouwang("home", "import", str(file), "--passwords", str(passwords))
    assert code == 0, err
    header, line = passwords.read_text().splitlines()
    assert header == "account,password"
    assert line.startswith(f"{home}.door,")
    assert passwords.stat().st_mode & 0o777 == 0o600
    shouwang("home", "import", str(file), "--passwords", str(passwords))
    assert passwords.read_text().splitlines() == ["account,password"]  # an account that exists keeps its password


def test_a_file_that_is_no_table_is_one_line_of_help(shouwang, tmp_path):
    file = tmp_path / "homes.csv"
    file.write_text("flat,name\n1,A\n")
    code, _, err = shouwang("home", "import", str(file))
    assert (code, len(err.splitlines())) == (1, 1)
    assert "nobody knows the columns 'flat'" in err
    assert shouwang("home", "import", str(tmp_path / "none.csv"))[0] == 1


def publish(words):
    """What the printed mosquitto_pub line does, with its own words."""

    def of(option):
        return words[words.index(option) + 1]

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=uuid.uuid4().hex)
    client.username_pw_set(of("-u"), of("-P"))
    client.tls_set(of("--cafile"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
    client.connect(of("-h"), int(of("-p")))
    client.loop_start()
    client.publish(of("-t"), of("-m"), qos=int(of("-q"))).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def example_words(line):
    """The example as a shell would take it apart."""
    shown = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert shown[0] == "mosquitto_pub"
    return shown


def watching(site, account, seconds):
    environment = os.environ | {"SHOUWANG_DATA": str(site.data), "SHOUWANG_PORT_BASE": str(site.port_base)}
    watch = subprocess.Popen(
        [sys.executable, "-m", "cli", "device", "watch", account, "--for", str(seconds)],
        cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert "watching" in watch.stderr.readline()
    return watch


def test_a_device_is_connected_by_what_device_add_prints_and_watched_live(site, stages, shouwang, home):
    stages.start("ingest-main", "writer", settings={"SHOUWANG_WRITER_ACCOUNT_S": "0.5"})
    assert shouwang("home", "add", home, "330282001001")[0] == 0
    code, out, err = shouwang("device", "add", home, "watch", "--role", "wearable", "--room", "living", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["account"] == f"{home}.watch"
    words = example_words(told["example"])
    watch = watching(site, told["account"], 12)
    publish(words)
    bad = list(words)
    bad[bad.index("-m") + 1] = '{"kind":"vitals","heart_rate_bpm":900,"boot":1,"seq":2}'
    publish(bad)
    shown, _ = watch.communicate(timeout=60)
    assert "accepted  vitals" in shown
    assert "heart_rate_bpm=72.0" in shown
    assert "out_of_range" in shown
    assert "heart_rate_bpm" in shown.split("out_of_range")[1]

    ends_s = time.monotonic() + 20
    while True:
        device = json.loads(shouwang("device", "list", "--home", home, "--json")[1])["devices"][0]
        if device["last_seen_at"]:
            break
        assert time.monotonic() < ends_s
    assert (device["bound"], device["has_account"], device["role"]) == (True, True, "wearable")


def test_a_device_of_a_home_that_nobody_registered_is_refused_with_what_to_do(shouwang, home):
    code, _, err = shouwang("device", "add", home, "watch")
    assert code == 1
    assert f"home {home} is not registered" in err


def test_a_user_is_added_once_with_a_password_from_standard_input(site, shouwang, home):
    name = f"u-{home}"
    code, out, _ = shouwang(
        "user",
        "add",
        name,
        "--role",
        "operator",
        "--area",
        "330282",
        "--password",
        "-",
        "--json",
        stdin="a long pass phrase\n",
    )
    assert (code, json.loads(out)) == (0, {"user_name": name, "password": None})
    with psycopg.connect(site.conninfo()) as connection:
        assert connection.execute("SELECT role, area_prefix, password_hash ~ '^\\$argon2id' FROM users WHERE user_name = %s", [name]).fetchone() == (
            "operator", "330282", True,
        )  # fmt: skip
    code, _, err = shouwang("user", "add", name, "--role", "operator")
    assert (code, "is registered already" in err) == (1, True)


def test_without_a_database_a_verb_says_what_to_do(tmp_path):
    environment = os.environ | {"SHOUWANG_DATA": str(tmp_path / "nowhere"), "SHOUWANG_PORT_BASE": "33000"}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "home", "list"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "./shouwang services up" in done.stderr


def test_an_export_holds_who_agreed_and_its_manifest_says_how_many(shouwang, home, tmp_path):
    file = tmp_path / "homes.csv"
    file.write_text(table(home).replace("330282001001", "440282001001"))
    assert shouwang("home", "import", str(file))[0] == 0
    code, out, _ = shouwang("consent", "upstream", "yes", f"{home}-r", "--ground", "paper of 2026-11-23")
    assert (code, "yes" in out) == (0, True)
    folder = tmp_path / "out"
    code, out, err = shouwang("export", str(folder), "--area", "4402", "--json")
    assert code == 0, err
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {each["name"]: each["rows"] for each in manifest["tables"]} == {"people": 1, "visits": 0, "cases": 0, "figures": 0}  # fmt: skip
    assert (manifest["form"], manifest["area"], json.loads(out)["as_of"]) == ("shouwang.upstream.v1", "4402", manifest["as_of"])  # fmt: skip
    (person,) = [json.loads(line) for line in (folder / "people.jsonl").read_text().splitlines()]
    assert (person["resident_id"], person["name"], person["gone"]) == (f"{home}-r", "王秀英", False)
    assert (folder / "people.csv").read_text().splitlines()[1].startswith(f"{home}-r,440282001001,false,王秀英,1938,f,")
    assert (folder / "people.csv").stat().st_mode & 0o777 == 0o600
    code, _, err = shouwang("export", str(folder))
    assert (code, "is not empty" in err) == (1, True)
    shouwang("consent", "upstream", "no", f"{home}-r", "--ground", "said again")
    shouwang("export", str(tmp_path / "later"), "--area", "4402", "--since", manifest["as_of"])
    (gone,) = [json.loads(line) for line in (tmp_path / "later" / "people.jsonl").read_text().splitlines()]
    assert (gone["resident_id"], gone["gone"], gone["name"]) == (f"{home}-r", True, None)
