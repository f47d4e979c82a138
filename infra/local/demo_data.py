"""The people of the demo. They are loaded with `lunas` commands only, as a provider would."""

import csv
import subprocess
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from processes import Trouble

PACKAGES = Path(__file__).parent / "demo" / "packages.csv"


@dataclass(frozen=True)
class Customer:
    id: str
    name: str
    phone: str
    username: str
    package: str
    expires_in_days: int
    """Counted from today; negative = the subscription has ended."""
    invoice_due_in_days: int | None
    """None = nothing to pay."""
    device_id: str = ""
    ont_serial: str = ""
    """What the provider's records know of the modem. The modems themselves are in infra/sandbox/src/genieacs/fleet.rs."""


# Their modems: c01 well configured, c02 few virtual parameters, c03 behind NAT with a weak signal, c04 offline, c05 slow, c06 known by its serial
# only and without a PPPoE session, c07 of the newer data model, c08 and c09 tagged with one phone, c10 swapped, c11 known by a tag, c12 by its user name.
CUSTOMERS = [
    Customer("c01", "Budi Santoso", "6281200000001", "budi@lunas", "hemat10", 5, 5, device_id="00259E-HG8245H-4857544300000001", ont_serial="4857544300000001"),
    Customer("c02", "Siti Rahayu", "6281200000002", "siti@lunas", "keluarga20", 4, 4, ont_serial="ZTEGC0000002"),
    Customer("c03", "Agus Wijaya", "6281200000003", "agus@lunas", "turbo50", 7, 7, device_id="0838E6-HG6145F-FHTT00000003"),
    Customer("c04", "Dewi Lestari", "6281200000004", "dewi@lunas", "hemat10", 3, 3, device_id="00259E-EG8141A5-4857544300000004"),
    Customer("c05", "Rudi Hartono", "6281200000005", "rudi@lunas", "keluarga20", 6, 6, device_id="28FF3E-F609-ZTEGC0000005"),
    # Overdue, and still online for two days.
    Customer("c06", "Rina Marlina", "6281200000006", "rina@lunas", "hemat10", 2, -3, ont_serial="ALCLB0000006"),
    # Expired: offline until the bill is paid.
    Customer("c07", "Joko Susilo", "6281200000007", "joko@lunas", "turbo50", -4, 0, device_id="D8F12E-XX530v-2234567000007"),
    # Two lines under one phone.
    Customer("c08", "Maya Sari (rumah)", "6281200000008", "maya-rumah@lunas", "keluarga20", 8, 8),
    Customer("c09", "Maya Sari (warung)", "6281200000008", "maya-warung@lunas", "turbo50", 9, 9),
    # Nothing to pay.
    Customer("c10", "Andi Pratama", "6281200000010", "andi@lunas", "hemat10", 26, None, device_id="28FF3E-F660-ZTEGC0000010", ont_serial="ZTEGC0000010"),
    Customer("c11", "Wati Kusuma", "6281200000011", "wati@lunas", "keluarga20", 21, None),
    Customer("c12", "Eko Nugroho", "6281200000012", "eko@lunas", "turbo50", 28, None),
]


def today(zone: str = "Asia/Jakarta") -> date:
    return datetime.now(ZoneInfo(zone)).date()


def write_customers(target: Path, today: date) -> None:
    with target.open("w", newline="") as output:
        rows = csv.writer(output)
        rows.writerow(["id", "name", "phone", "username", "packageId", "expiresAt", "deviceId", "ontSerial"])
        for customer in CUSTOMERS:
            expires = today + timedelta(days=customer.expires_in_days)
            rows.writerow([customer.id, customer.name, customer.phone, customer.username, customer.package, expires, customer.device_id, customer.ont_serial])


def load(lunas: Path, state: Path, env: dict[str, str]) -> None:
    """Imports packages and customers and issues the invoices."""
    day = today()
    customers = state / "customers.csv"
    write_customers(customers, day)
    _run([lunas, "packages", "import", PACKAGES], env)
    _run([lunas, "customers", "import", customers], env)
    for customer in CUSTOMERS:
        if customer.invoice_due_in_days is not None:
            due = day + timedelta(days=customer.invoice_due_in_days)
            _run([lunas, "--yes", "invoices", "create", "--customer", customer.id, "--due", due.isoformat()], env)


def _run(command: list, env: dict[str, str]) -> None:
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble(f"cannot load the demo's data: {error}") from None
    if done.returncode != 0:
        raise Trouble(f"`{' '.join(words)}` failed with status {done.returncode}:\n{done.stdout}{done.stderr}")
