# SPDX-License-Identifier: MIT
"""The rules of docs/identity.md once more, written without a look at the
collector's code: from a list of events to who owns what. Slow and simple."""


def owner_map(events):
    """Returns ({event id: user id or None}, {user id: set of merged ids})."""
    users = {e["userId"] for e in events if e.get("userId")}
    visitors = {e["anonymousId"] for e in events if e.get("anonymousId")}

    def is_user(previous):
        if previous.startswith("anon_"):
            return False
        return previous in users or previous not in visitors

    group = {}

    def root(user):
        group.setdefault(user, user)
        while group[user] != user:
            user = group[user]
        return user

    points = {}
    for e in events:
        user, visitor = e.get("userId"), e.get("anonymousId")
        place = (e["timestamp"], e["eventId"].encode())
        if user:
            root(user)
            if visitor:
                points.setdefault(visitor, []).append((place, user))
        if e["event"] == "$alias" and user:
            previous = e.get("properties", {}).get("previousId")
            if previous and is_user(previous):
                group[root(user)] = root(previous)
            elif previous:
                points.setdefault(previous, []).append((place, user))

    owners = {}
    for e in events:
        owner = e.get("userId")
        if not owner:
            place = (e["timestamp"], e["eventId"].encode())
            found = sorted(points.get(e["anonymousId"], []))
            later = [u for p, u in found if p >= place]
            earlier = [u for p, u in found if p < place]
            owner = later[0] if later else earlier[-1] if earlier else None
        owners[e["eventId"]] = owner

    merged = {}
    for user in users:
        merged[user] = {u for u in group if root(u) == root(user)}
    return owners, merged


def journey(events, user):
    """Event ids of one user in time order."""
    owners, merged = owner_map(events)
    mine = merged.get(user, {user})
    return [e["eventId"] for e in
            sorted(events, key=lambda e: (e["timestamp"],
                                          e["eventId"].encode()))
            if owners[e["eventId"]] in mine]
