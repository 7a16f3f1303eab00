"""Frozen records with slots, for every room: see `fakefs.record`, which makes them."""

from __future__ import annotations

from fakefs.record import NO_DEFAULT as NO_DEFAULT
from fakefs.record import asdict as asdict
from fakefs.record import defaults as defaults
from fakefs.record import is_record as is_record
from fakefs.record import record as record
from fakefs.record import replace as replace
