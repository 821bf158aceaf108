# expect: grant_from_text 4
MODEL m {}
SIGNAL metadata says_admin { key: "role"  equals: "admin" }
GRANT safe.open { WHEN metadata("says_admin") }
ROUTE rest { MODEL "m" }
