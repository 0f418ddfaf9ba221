"""Measure snapcli beside its peers, as whole processes, in one session, and print the table.

    python tests/benchmarks/run.py [--quick] [--only NAME] [--json FILE]

Installs missing peers (Debian's borgbackup, restic and qemu-utils, as root; awscli and moto into
a venv that is thrown away), and snapcli itself from this checkout into another. Work files go
to a folder that is removed at the end; about 12 GB are needed there. Exit status 1: a target was
missed.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import bench_blocks
import bench_commands
import bench_image
import bench_ours
import bench_peers
import bench_report
from bench_aws import Aws
from bench_process import Failed, clean_environment, run
from bench_rows import BLOCK_KEYS, COMMAND_KEYS, TARGETS, Samples, rows

MIB = 1 << 20
COMMAND = "python tests/benchmarks/run.py"


def options(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    names = [target.key for target in TARGETS]
    add = parser.add_argument
    add("--quick", action="store_true", help="a small image and two runs: a look, no proof")
    add("--only", action="append", choices=names, default=[], help="only this row; repeatable")
    add("--runs", type=int, help="runs of the block work (default 5, quick 2)")
    add("--peer", action="append", default=[], help="only this peer of the block work; repeatable")
    add("--json", type=Path, metavar="FILE", help="write all figures there too")
    add("--readme", type=Path, metavar="FILE", help="put the table between this file's markers")
    add("--workdir", type=Path, help="where the work files go (default: the temporary folder)")
    add("--snapcli", type=Path, help="measure this program (default: this checkout, installed)")
    add("--aws-venv", type=Path, help="a venv with awscli and moto, made there if missing")
    add("--image-mib", type=int, help="length of the test image (default 4096, quick 512)")
    add("--data-mib", type=int, help="files' bytes in it (default 1331, quick 160)")
    chosen = parser.parse_args(words)
    quick = chosen.quick
    chosen.runs = chosen.runs or (2 if quick else 5)
    chosen.image_mib = chosen.image_mib or (512 if quick else 4096)
    chosen.data_mib = chosen.data_mib or (160 if quick else 1331)
    chosen.only = chosen.only or names
    return chosen


def main(words: Sequence[str] | None = None) -> int:
    """Measure what was asked for and print the table; the exit status."""
    chosen = options(words)
    work = Path(tempfile.mkdtemp(prefix="snapcli-bench-", dir=chosen.workdir)).resolve()
    try:
        return _measure(chosen, work)
    except Failed as failure:
        say(f"ERROR: {failure}")
        return 2
    finally:
        shutil.rmtree(work, ignore_errors=True)


def say(line: str) -> None:
    """Tell how far it has come, apart from the table."""
    print(line, file=sys.stderr, flush=True)


def _measure(chosen: argparse.Namespace, work: Path) -> int:
    environment = clean_environment(work)
    samples = Samples()
    about = [bench_report.machine(work)]
    program = chosen.snapcli
    if program is None:
        say("installing snapcli")
        program = bench_ours.install(work)
    ours = bench_ours.Snapcli(program.absolute(), work, environment)
    if set(chosen.only) & set(COMMAND_KEYS):
        about += _commands(chosen, work, environment, ours, samples)
    if set(chosen.only) & set(BLOCK_KEYS):
        about += _blocks(chosen, work, environment, ours, samples)
    about += bench_report.notes(samples)
    table = rows(samples, chosen.only)
    say("\n" + bench_report.details(samples, chosen.only) + "\n")
    print(bench_report.text_table(table))
    print("\n" + "\n".join(about))
    if chosen.json:
        bench_report.write_json(chosen.json, table, about, samples)
    if chosen.readme:
        bench_report.write_readme(chosen.readme, bench_report.markdown(table, about, COMMAND))
    return 0 if all(row.met for row in table) else 1


def _commands(
    chosen: argparse.Namespace,
    work: Path,
    environment: dict[str, str],
    ours: bench_ours.Snapcli,
    samples: Samples,
) -> list[str]:
    """Measure the listing; what is to be said about its peer."""
    say("making 100 snapshots")
    bench_commands.fill(ours)
    runs = 9 if chosen.quick else 31
    if "aws" not in chosen.only:
        bench_commands.measure(ours, None, runs, samples)
        return []
    say("installing and starting the AWS command line and moto")
    aws = Aws((chosen.aws_venv or work / "aws").absolute(), environment, work)
    aws.install()
    try:
        aws.start(bench_commands.SNAPSHOTS)
        say("listing")
        bench_commands.measure(ours, aws, runs, samples)
        return [f"Listing: medians of {runs} runs; {aws.version()}"]
    finally:
        aws.stop()


def _blocks(
    chosen: argparse.Namespace,
    work: Path,
    environment: dict[str, str],
    ours: bench_ours.Snapcli,
    samples: Samples,
) -> list[str]:
    """Measure the block work; what is to be said about image and peers."""
    for problem in bench_peers.install_missing():
        say(problem)
    say("making the test image")
    original = work / "one.raw"
    bench_image.build(original, chosen.image_mib * MIB, chosen.data_mib * MIB)
    changes = bench_image.plan_changes(original)
    changed = sum(change.length for change in changes)
    occupied = original.stat().st_blocks * 512
    peers = bench_peers.chosen(
        chosen.peer,
        work,
        work / "changing.raw",
        lambda words, extra: run(words, environment | extra, work),
    )
    bench_blocks.Session(ours, peers, original, changes, samples, say).measure(chosen.runs)
    return [
        f"Image: {chosen.image_mib} MiB sparse raw ext4, {occupied / MIB:.0f} MiB of it occupied; "
        f"second state: {changed / MIB:.1f} MiB changed by {len(changes)} writes, the largest "
        f"{changes[0].length / MIB:.0f} MiB; medians of {chosen.runs} runs in turns, page cache "
        "warm",
        *(f"{peer.version()}: {peer.options}" for peer in peers),
    ]


if __name__ == "__main__":
    sys.exit(main())
