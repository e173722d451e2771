# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``tenant_mailboxes_file``: mailboxes as a spreadsheet writes them (CSV), or as a YAML list. Pure but for :func:`read`."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import traceback
import typing as t

from ..redact import MASK
from ..stalwart.argspec import PRINCIPAL
from .validation import Given, Invalid, Problems, one_of

YAML_IMPORT_ERROR: str | None
try:
    import yaml

    YAML_IMPORT_ERROR = None
except ImportError:
    YAML_IMPORT_ERROR = traceback.format_exc()

VARIABLE = "tenant_mailboxes_file"
#: Bytes; ten thousand mailboxes take less. What is larger is another file.
MAX_SIZE = 4 * 1024 * 1024
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
SUFFIXES = (".csv", ".yml", ".yaml", ".json")
#: The options of a principal that a column may give; a password is in no file.
COLUMNS = tuple(name for name in PRINCIPAL if name != "password")
PASSWORD = (
    "no password in a file: people log in with the realm's and make app passwords for mail programs; "
    "with tenant_password_clients: internal, give mailboxes_passwords from a vault"
)
_SECRET_COLUMN = re.compile(r"passw|secret|kennwort|mot_de_passe|contrase", re.IGNORECASE)
_LISTS = frozenset(name for name, option in PRINCIPAL.items() if option["type"] == "list")
_BOOLEANS = frozenset(name for name, option in PRINCIPAL.items() if option["type"] == "bool")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class File(t.NamedTuple):
    """A file as it was read. :param name: as the variable names it. :param fault: why there is no content, and what is accepted."""

    name: str
    data: bytes = b""
    fault: str = ""


class Item(t.NamedTuple):
    """One mailbox of a file or a variable, as it was written.

    :param place: where, as messages say it. :param separator: between the place and an option's name.
    """

    place: str
    separator: str
    values: dict[str, t.Any]

    def at(self, option: str) -> str:
        """Where an option of it is."""
        return f"{self.place}{self.separator}{option}" if option else self.place


def read(name: t.Any, folder: str, real: t.Callable[[str], str]) -> File:
    """Read the file. A relative path begins at the inventory's folder; a mistake is kept for the others' company.

    :param real: gives the path of the decrypted content of a path that exists.
    """
    if not isinstance(name, str) or not name.strip():
        return File(str(name), fault="the path of a CSV or YAML file")
    path = os.path.join(folder, os.path.expanduser(name.strip()))
    if not path.lower().endswith(SUFFIXES):
        return File(name, fault=f"a file whose name ends in {', '.join(SUFFIXES)}")
    try:
        if not os.path.isfile(path):
            return File(name, fault=f"a file that exists; there is none at {path}")
        real_path = real(path)
        if os.path.getsize(real_path) > MAX_SIZE:
            return File(name, fault=f"a file of at most {MAX_SIZE} bytes")
        with open(real_path, "rb") as file:
            return File(name, file.read())
    except OSError as exc:
        return File(name, fault=f"a file that can be read ({exc.strerror or exc})")


def parse(file: File, problems: Problems) -> list[Item]:
    """The mailboxes of a file; everything that is wrong with its form goes to ``problems`` with the row's number."""
    if file.fault:
        problems.add(VARIABLE, file.name, file.fault)
        return []
    text = _decoded(file.data, problems)
    if text is None:
        return []
    if file.name.strip().lower().endswith(".csv"):
        return _csv(text, problems)
    return _yaml(text, problems)


def _decoded(data: bytes, problems: Problems) -> str | None:
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as exc:
        row = data[: exc.start].count(b"\n") + 1
        value = f"byte 0x{data[exc.start]:02x}"
        problems.add(f"{VARIABLE} row {row}", value, "text in UTF-8 (in Excel, save as CSV UTF-8)")
        return None


def _csv(text: str, problems: Problems) -> list[Item]:
    """Rows are counted as a spreadsheet does: the header is row 1, and empty ones count."""
    first, _newline, rest = text.partition("\n")
    skipped = 0
    if re.fullmatch(r"sep=.\r?", first):
        # What Excel itself writes and reads to name the delimiter.
        delimiter, text, skipped = first[4], rest, 1
    else:
        delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as exc:
        problems.add(VARIABLE, str(exc), "a CSV file (RFC 4180) whose quotes are closed and doubled inside of cells")
        return []
    if not rows:
        problems.add(VARIABLE, "", f"a header row and a row for each mailbox; columns: {', '.join(COLUMNS)}")
        return []
    header = _header(rows[0], skipped + 1, problems)
    if "name" not in header:
        # Nothing that stands in the rows could be told to be anybody's.
        return []
    items = []
    for number, cells in enumerate(rows[1:], skipped + 2):
        place = f"{VARIABLE} row {number}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            name = DELIMITERS.get(delimiter, delimiter)
            problems.add(
                place,
                f"{len(cells)} cells",
                f"{len(header)}, as many as the header has; quote a cell that holds a {name}",
            )
            continue
        item = Item(place, ", column ", {})
        for column, cell in zip(header, cells):
            if column and cell.strip():
                value = problems.check(Given(item.at(column), cell.strip()), _CELLS[column])
                if value is not None:
                    item.values[column] = value
        items.append(item)
    return items


def _header(cells: t.Sequence[str], row: int, problems: Problems) -> list[str]:
    """Names of the columns, empty for one that is refused."""
    place = f"{VARIABLE} row {row}"
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells]
    for index, name in enumerate(names):
        if not name:
            continue
        if _SECRET_COLUMN.search(name):
            problems.add(place, f"column {cells[index].strip()}", PASSWORD)
        elif name not in COLUMNS:
            problems.add(place, f"column {cells[index].strip()}", f"only the columns {one_of(name, COLUMNS)}")
        elif name in names[:index]:
            problems.add(place, f"column {name}", "each column once")
    if "name" not in names:
        problems.add(place, delimited(names), "a header row with a column name, which holds the address")
    return [name if name in COLUMNS and name not in names[:index] else "" for index, name in enumerate(names)]


def delimited(names: t.Iterable[str]) -> str:
    """Names of columns for a message."""
    return ", ".join(filter(None, names))


def _boolean(cell: str) -> bool:
    if cell.lower() not in _WORDS:
        raise Invalid("true or false, yes or no")
    return _WORDS[cell.lower()]


def _list(cell: str) -> list[str]:
    """Parts of a cell; no address holds a blank, a comma or a semicolon."""
    return [part for part in re.split(r"[\s,;]+", cell) if part]


def _text(cell: str) -> str:
    return cell


_CELLS: dict[str, t.Callable[[str], t.Any]] = {
    name: _boolean if name in _BOOLEANS else _list if name in _LISTS else _text for name in COLUMNS
}


def _yaml(text: str, problems: Problems) -> list[Item]:
    if YAML_IMPORT_ERROR is not None:
        problems.add(VARIABLE, "YAML", "a CSV file, as the Python library PyYAML is missing")
        return []
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{VARIABLE} line {mark.line + 1}" if mark else VARIABLE
        problems.add(where, getattr(exc, "problem", None) or "no YAML", "a YAML list of mailboxes")
        return []
    if not isinstance(found, list):
        problems.add(VARIABLE, type(found).__name__, "a YAML list of mailboxes, each a mapping with a name")
        return []
    return items_of(VARIABLE, found, " item {}", 1, problems)


def items_of(variable: str, found: t.Sequence[t.Any], numbered: str, start: int, problems: Problems) -> list[Item]:
    """Items of a list; unknown keys are noted."""
    items = []
    for number, value in enumerate(found, start):
        item = Item(variable + numbered.format(number), ".", {})
        if not isinstance(value, t.Mapping):
            problems.add(item.place, value, "a mapping with a name, such as {name: alice, quota: 5G}")
            continue
        for key, below in value.items():
            if str(key) == "password":
                problems.add(item.at("password"), MASK, PASSWORD.replace("in a file", "in the inventory's model"))
            elif key not in COLUMNS:
                problems.add(item.at(str(key)), below, f"only the keys {one_of(key, COLUMNS)}")
            elif below is not None:
                item.values[str(key)] = below
        items.append(item)
    return items
