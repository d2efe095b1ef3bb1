-- Homes, residents, contacts, devices, accounts, users: whom the watch is for, and who may take part in it.
CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE TABLE homes (
    home_id     text PRIMARY KEY CHECK (home_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    area_code   text NOT NULL CHECK (area_code ~ '^[0-9]{12}$'),  -- statistical division; prefixes 4 city, 6 county, 9 town, 12 community
    address     text NOT NULL DEFAULT '',
    zone        text NOT NULL DEFAULT 'Asia/Shanghai',
    care_level  smallint NOT NULL DEFAULT 0 CHECK (care_level BETWEEN 0 AND 5),
    site_id     text,
    note        text NOT NULL DEFAULT '',
    away_until  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    removed_at  timestamptz
);
CREATE INDEX homes_by_area ON homes (area_code text_pattern_ops);

CREATE TABLE residents (
    resident_id text PRIMARY KEY CHECK (resident_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    home_id     text NOT NULL REFERENCES homes,
    name        text NOT NULL,
    birth_year  smallint,
    sex         text CHECK (sex IN ('f', 'm')),
    phone       text NOT NULL DEFAULT '',
    note        text NOT NULL DEFAULT ''
);
CREATE INDEX residents_by_home ON residents (home_id);

CREATE TABLE contacts (
    contact_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    home_id     text NOT NULL REFERENCES homes,
    rank        smallint NOT NULL,                                -- order of calling
    name        text NOT NULL,
    relation    text NOT NULL DEFAULT '',
    phone       text NOT NULL,
    UNIQUE (home_id, name, phone)
);

CREATE TABLE devices (
    home_id       text NOT NULL,                                  -- no foreign key: an unknown home's device is listed, not lost
    device_id     text NOT NULL CHECK (device_id ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    role          text NOT NULL DEFAULT 'other',                  -- contracts.kinds.ROLES
    room          text NOT NULL DEFAULT 'other',                  -- contracts.kinds.ROOMS
    resident_id   text REFERENCES residents,
    bound         boolean NOT NULL DEFAULT true,                  -- false: heard from, but nobody has registered it
    first_seen_at timestamptz,
    last_seen_at  timestamptz,                                    -- received_at of its newest row
    PRIMARY KEY (home_id, device_id)
);

CREATE TABLE accounts (
    account       text PRIMARY KEY,                               -- {home_id}.{device_id}, or a gateway's or service's name
    kind          text NOT NULL CHECK (kind IN ('device', 'gateway', 'service')),
    area          text CHECK (area ~ '^[0-9]{9}$'),               -- gateway: the area it may write for
    password_hash text NOT NULL,                                  -- mosquitto's own form: $7$iterations$salt$hash (PBKDF2-SHA512)
    created_at    timestamptz NOT NULL DEFAULT now(),
    revoked_at    timestamptz
);

CREATE TABLE users (
    user_name     text PRIMARY KEY CHECK (user_name ~ '^[a-z0-9][a-z0-9._-]{0,39}$'),
    role          text NOT NULL CHECK (role IN ('operator', 'supervisor', 'family', 'admin')),
    display_name  text NOT NULL DEFAULT '',
    language      text NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    password_hash text NOT NULL,                                  -- argon2id
    area_prefix   text NOT NULL DEFAULT '',
    active        boolean NOT NULL DEFAULT true,
    token_epoch   integer NOT NULL DEFAULT 0,                     -- raised to end all of the user's tokens
    failed_logins integer NOT NULL DEFAULT 0,
    locked_until  timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE family_links (
    user_name   text NOT NULL REFERENCES users,
    resident_id text NOT NULL REFERENCES residents,
    granted_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz,
    PRIMARY KEY (user_name, resident_id)
);

CREATE TABLE learned_silences (
    home_id     text PRIMARY KEY,
    learned_at  timestamptz NOT NULL,
    days        integer NOT NULL,
    silence_min integer[] NOT NULL,                               -- 72: contracts.kinds.Card.silence_min
    evidence    jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE home_cards (
    home_id           text PRIMARY KEY,
    version           integer NOT NULL,
    card              bytea NOT NULL,                             -- contracts.kinds.Card as JSON
    published_version integer NOT NULL DEFAULT 0,                 -- < version: the keeper still has to put it into the log
    changed_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX home_cards_to_publish ON home_cards (home_id) WHERE published_version < version;
