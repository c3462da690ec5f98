"""Sentences about the audit log's filters and integrity."""

from __future__ import annotations

FAULTS = {
    "record-missing": "The sealed record of where the chain begins and ends is missing.",
    "record-changed": "The sealed record of where the chain begins and ends was changed.",
    "earlier-changed": "Of the {count} events older than the chain, one was changed, removed or inserted.",
    "unreadable": "One of the next {count} events cannot be read, so it was changed.",
    "event-unlinked": "Event {event} is not in the chain, though it comes after its beginning.",
    "event-moved": "Event {event} does not follow: one before it was removed, inserted or moved.",
    "event-changed": "Event {event} was changed, or was not written by Patchbay.",
    "numbers-changed": "The numbers of event {event} were changed.",
    "end-removed": "Events were removed from the end: the sealed record counts more.",
    "head-missing": "The chain does not contain the noted head: events were removed from the end.",
}
STRAY_EVENT = "Event {} belongs to an organization that does not exist."
STRAY_NUMBERS = "Numbers belong to event {}, which does not exist."
STRAY_CHAIN = "Organization {}, which has a chain, does not exist."
NO_ORGANIZATION = "No organization"
