// Written by tools/generate.ts from the declarations of the API. Do not edit.

/** What the user agent reveals about the device. */
export type Device = {
  /** `browser`, `mobile`, `tablet`, `program`, `unknown`, … */
  type: string;
  name?: string | undefined;
  version?: string | undefined;
  longVersion?: string | undefined;
  os?: {
    name: string;
    version?: string | undefined;
  } | undefined;
  model?: string | undefined;
};

/** A signed-in device of a user. */
export type Session = {
  /** The id of a session. */
  id: string;
  /** The application's own id for a user: 1 to 255 bytes. */
  userId: string;
  /** A unique name. */
  name?: string | undefined;
  /** `suspended`: kept, but not valid for now. `ended`: never valid again. */
  status: 'active' | 'suspended' | 'ended';
  accessGroups: string[];
  /** What the user agent reveals about the device. */
  device: Device;
  userAgent?: string | undefined;
  ip?: string | undefined;
  /** When it was opened. */
  createdAt: string;
  /** When its user last signed in to it. */
  authenticatedAt: string;
  /** When it was last verified, to the minute. */
  lastSeenAt: string;
  /** When it ends at the latest. */
  expiresAt: string;
  /** When it ends without further activity. */
  idleExpiresAt: string;
  /** JSON of your own, at most 4,096 bytes. */
  metadata: { [key: string]: unknown };
  /** When it ended. */
  endedAt?: string | undefined;
  /** `user:…`, `key:…`, `policy` or `library`. */
  endedBy?: string | undefined;
  endReason?: 'logout' | 'ended_by_admin' | 'expired' | 'idle' | 'replaced' | 'refresh_reuse' | 'account_disabled' | 'all_of_user' | 'everyone' | undefined;
  /** Grows with every change. */
  version: number;
};

/** A session as far as the caller may see it: all of it with `sessions.read`, if it is one’s own, or if the call was made with its token, refresh token or alias. Otherwise only the required fields, `name`, `endedAt` and `endReason`. */
export type ShownSession = {
  /** The id of a session. */
  id: string;
  /** A unique name. */
  name?: string | undefined;
  /** `suspended`: kept, but not valid for now. `ended`: never valid again. */
  status: 'active' | 'suspended' | 'ended';
  /** When it ended. */
  endedAt?: string | undefined;
  endReason?: 'logout' | 'ended_by_admin' | 'expired' | 'idle' | 'replaced' | 'refresh_reuse' | 'account_disabled' | 'all_of_user' | 'everyone' | undefined;
  /** The application's own id for a user: 1 to 255 bytes. */
  userId?: string | undefined;
  accessGroups?: string[] | undefined;
  /** What the user agent reveals about the device. */
  device?: Device | undefined;
  userAgent?: string | undefined;
  ip?: string | undefined;
  /** When it was opened. */
  createdAt?: string | undefined;
  /** When its user last signed in to it. */
  authenticatedAt?: string | undefined;
  /** When it was last verified, to the minute. */
  lastSeenAt?: string | undefined;
  /** When it ends at the latest. */
  expiresAt?: string | undefined;
  /** When it ends without further activity. */
  idleExpiresAt?: string | undefined;
  /** JSON of your own, at most 4,096 bytes. */
  metadata?: { [key: string]: unknown } | undefined;
  /** `user:…`, `key:…`, `policy` or `library`. */
  endedBy?: string | undefined;
  /** Grows with every change. */
  version?: number | undefined;
};

/** What is known about an end or another change. */
export type Receipt = {
  /** The change's position in the change log. */
  sequence: number;
  /** When the session ended or the key was revoked: the first time, if that had happened before. */
  endedAt?: string | undefined;
  /** When the change was made. */
  changedAt?: string | undefined;
  /** True: no verification that begins from now on, on any machine, answers with the earlier state. */
  everywhere: boolean;
  /** Every holder acknowledged, or their leases ran out. */
  by: 'acks' | 'timeout';
  verifiers: {
    acknowledged: number;
    expired: number;
    /** The names of verifiers whose leases ran out before they answered. */
    waitedFor?: string[] | undefined;
  };
  nodes: {
    applied: number;
    expired: number;
  };
  /** Milliseconds that the answer waited for this. */
  waitedMs: number;
};

/** An account with which somebody can sign in. */
export type Account = {
  id: string;
  username: string;
  email?: string | undefined;
  /** An address that the owner has set and nobody has confirmed yet. */
  pendingEmail?: string | undefined;
  name?: string | undefined;
  roles: ('admin' | 'support' | 'auditor' | 'member')[];
  permissions: ('sessions.create' | 'sessions.verify' | 'sessions.read' | 'sessions.end' | 'groups.change' | 'accounts.manage' | 'keys.manage' | 'events.read' | 'fence.attach')[];
  disabled: boolean;
  /** Whether a second factor is enrolled. */
  totp: boolean;
  backupCodesLeft: number;
  /** When it was created. */
  createdAt: string;
  /** When it was last changed. */
  updatedAt: string;
  /** When somebody last signed in to it. */
  lastLoginAt?: string | undefined;
  version: number;
};

/** A machine's credential; its token is shown once, when the key is created. */
export type ApiKey = {
  id: string;
  name: string;
  scopes: ('sessions.create' | 'sessions.verify' | 'sessions.read' | 'sessions.end' | 'groups.change' | 'accounts.manage' | 'keys.manage' | 'events.read' | 'fence.attach')[];
  /** When it was created. */
  createdAt: string;
  createdBy: string;
  /** When it was revoked. */
  revokedAt?: string | undefined;
  /** When it was last used, to the hour; absent if never. A verifier uses its key when it attaches. */
  lastUsedAt?: string | undefined;
};

/** A slot with a unique name, which outlives the sessions in it. */
export type NamedSession = {
  /** A unique name. */
  name: string;
  /** `working`: it has a session. `waiting`: it has none yet. `stopped`: its session is suspended, but kept. */
  status: 'working' | 'waiting' | 'stopped';
  config: { [key: string]: unknown };
  /** A signed-in device of a user. */
  session?: Session | undefined;
  /** When it was created. */
  createdAt: string;
  /** When it was last changed. */
  updatedAt: string;
};

/** A named session as far as the caller may see it: all of it with `sessions.read`. Otherwise only the required fields, and `session` if it is one’s own. */
export type ShownNamedSession = {
  /** A unique name. */
  name: string;
  /** `working`: it has a session. `waiting`: it has none yet. `stopped`: its session is suspended, but kept. */
  status: 'working' | 'waiting' | 'stopped';
  config?: { [key: string]: unknown } | undefined;
  /** A signed-in device of a user. */
  session?: Session | undefined;
  /** When it was created. */
  createdAt?: string | undefined;
  /** When it was last changed. */
  updatedAt?: string | undefined;
};

/** Something that happened. */
export type Event = {
  /** Its position in the audit trail. */
  sequence: number;
  type: 'session.created' | 'session.ended' | 'session.suspended' | 'session.resumed' | 'user.sessions_ended' | 'everyone.ended' | 'groups.changed' | 'login.failed' | 'second_factor.failed' | 'account.created' | 'account.changed' | 'account.disabled' | 'account.enabled' | 'account.deleted' | 'factor.enrolled' | 'factor.removed' | 'backup_codes.renewed' | 'key.created' | 'key.revoked' | 'named_session.created' | 'named_session.changed' | 'named_session.deleted' | 'store.failed_over' | 'account.recovered' | 'sessions.imported';
  /** When it happened. */
  at: string;
  /** Who did it: `user:…`, `key:…`, `policy` or `library`. */
  by: string;
  userId?: string | undefined;
  sessionId?: string | undefined;
  reason?: 'logout' | 'ended_by_admin' | 'expired' | 'idle' | 'replaced' | 'refresh_reuse' | 'account_disabled' | 'all_of_user' | 'everyone' | undefined;
  details?: { [key: string]: unknown } | undefined;
};

/** An error, as defined by RFC 9457. */
export type Problem = {
  /** `urn:curfew:error:` and the code. */
  type: string;
  title: string;
  status: number;
  code: 'body_not_json' | 'missing_field' | 'unknown_field' | 'wrong_type' | 'invalid_value' | 'limit_out_of_range' | 'user_id_too_long' | 'too_many_groups' | 'metadata_too_large' | 'session_data_too_large' | 'cursor_invalid' | 'cursor_of_another_query' | 'preview_invalid' | 'preview_expired' | 'confirmation_required' | 'body_too_large' | 'unsupported_media_type' | 'route_not_found' | 'authentication_required' | 'invalid_credentials' | 'token_malformed' | 'token_unknown' | 'widget_token_expired' | 'token_expired' | 'session_ended' | 'session_suspended' | 'key_revoked' | 'signed_out_meanwhile' | 'permission_missing' | 'widget_origin_refused' | 'preview_of_another' | 'group_missing' | 'second_factor_required' | 'second_factor_invalid' | 'fresh_sign_in_required' | 'cross_site_refused' | 'too_many_attempts' | 'too_many_streams' | 'session_not_found' | 'name_taken' | 'session_user_changed' | 'alias_taken' | 'alias_unknown' | 'named_session_not_found' | 'named_session_exists' | 'named_session_stopped' | 'too_many_sessions' | 'too_many_to_change' | 'account_not_found' | 'account_disabled' | 'username_taken' | 'email_taken' | 'email_not_pending' | 'last_administrator' | 'factor_not_enrolled' | 'factor_already_enrolled' | 'key_not_found' | 'changed_meanwhile' | 'clock_stepped_back' | 'store_unavailable' | 'store_full' | 'server_busy' | 'outcome_unknown' | 'shutting_down' | 'internal' | 'fence_version' | 'fence_protocol' | 'config_invalid' | 'port_in_use' | 'clock_differs' | 'secret_key_missing' | 'secret_key_differs' | 'store_not_writable' | 'store_login_refused' | 'store_database_missing' | 'store_denied' | 'store_read_only' | 'store_linked' | 'store_in_use' | 'store_unsafe' | 'store_version' | 'store_outdated' | 'servers_running' | 'store_not_empty' | 'export_not_written' | 'export_damaged' | 'import_option' | 'source_unreachable' | 'source_refused' | 'source_unreadable' | 'imported_before' | 'store_damaged';
  /** What was wrong in this case. */
  detail?: string | undefined;
  /** What to do about it. */
  remedy: string;
  /** The id of the request, as in the log. */
  instance: string;
  errors?: {
      path: string;
      message: string;
    }[] | undefined;
  /** Second factors that can be used; if empty, enrol one first. */
  methods?: string[] | undefined;
  /** Why the session ended. */
  reason?: string | undefined;
};

/** The input and the output of each operation. */
export type Operations = {
  /** Sign in to an account */
  login: {
    input: {
      /** The user name; or `email`. */
      username?: string | undefined;
      /** The e-mail address; or `username`. */
      email?: string | undefined;
      /** The password. */
      password: string;
      /** The second factor, if one is enrolled. */
      totp?: string | undefined;
      /** A unique name. */
      name?: string | undefined;
      /** Seconds after which the session ends in any case; at most what the policy allows. */
      lifetime?: number | undefined;
      /** Seconds without activity after which the session ends; at most what the policy allows. */
      idle?: number | undefined;
      /** Set the session token as a cookie. */
      cookie?: boolean | undefined;
    };
    output: {
      session: Session;
      account: Account;
      /** The session token. Shown once. */
      token?: string | undefined;
      /** The refresh token. Shown once. */
      refreshToken?: string | undefined;
    };
  };
  /** End the caller's own session */
  logout: {
    input: {
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      success: boolean;
      message: string;
      session?: Session | undefined;
      receipt?: Receipt | undefined;
    };
  };
  /** Read who the caller is and what they may do */
  me: {
    input: Record<string, never>;
    output: {
      /** `person` or `key`. */
      kind: string;
      permissions: string[];
      session?: Session | undefined;
      account?: Account | undefined;
      key?: {
        id: string;
        name: string;
      } | undefined;
    };
  };
  /** Open a session for a user */
  createSession: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** Keys that decide what the session may reach: at most 100. */
      accessGroups?: string[] | undefined;
      /** A unique name. */
      name?: string | undefined;
      /** The `User-Agent` of the device. */
      userAgent?: string | undefined;
      /** The address of the device. */
      ip?: string | undefined;
      /** JSON of your own, at most 4,096 bytes. */
      metadata?: { [key: string]: unknown } | undefined;
      /** Seconds after which the session ends in any case; at most what the policy allows. */
      lifetime?: number | undefined;
      /** Seconds without activity after which the session ends; at most what the policy allows. */
      idle?: number | undefined;
      /** Secrets of another program by which the session can be verified too, such as ids in old cookies. */
      aliases?: {
          /** The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter. */
          kind: string;
          /** The SHA-256 of the secret in base64url, without padding. */
          hash: string;
        }[] | undefined;
    };
    output: {
      session: Session;
      /** The session token. Shown once. */
      token: string;
      /** The refresh token. Shown once. */
      refreshToken: string;
    };
  };
  /** End every session */
  endEveryone: {
    input: {
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** `everyone`. */
      confirm: string;
    };
    output: {
      success: boolean;
      message: string;
      /** How many active sessions this call ended. Suspended ones end as well, and are not counted. */
      ended: number;
      receipt: Receipt;
    };
  };
  /** End a session */
  endSession: {
    input: {
      /** The id of a session. */
      id: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Why the application ends the session for its user; only for API keys. By default, the reason follows from who ends the session. */
      reason?: 'logout' | 'ended_by_admin' | undefined;
    };
    output: {
      success: boolean;
      message: string;
      /** Whether the session had ended before, so that nothing has changed. */
      alreadyEnded: boolean;
      session: ShownSession;
      receipt: Receipt;
    };
  };
  /** Give the session of an alias new tokens */
  exchangeAlias: {
    input: {
      /** A secret that another program issued. */
      alias: {
        /** The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter. */
        kind: string;
        /** The secret itself, such as the id in an old cookie. */
        secret: string;
      };
    };
    output: {
      session: Session;
      /** The session token. Shown once. */
      token: string;
      /** The refresh token. Shown once. */
      refreshToken: string;
    };
  };
  /** Read a session */
  getSession: {
    input: {
      /** The id of a session. */
      id: string;
    };
    output: {
      session: Session;
    };
  };
  /** List sessions across users */
  listSessions: {
    input: {
      /** Free text. */
      filter?: string | undefined;
      /** The application's own id for a user: 1 to 255 bytes. */
      user?: string | undefined;
      /** An access group. */
      group?: string | undefined;
      /** A unique name. */
      name?: string | undefined;
      /** An address. */
      ip?: string | undefined;
      status?: 'active' | 'suspended' | 'ended' | undefined;
      /** The order; `-` means descending. */
      sort?: 'createdAt' | '-createdAt' | 'lastSeenAt' | '-lastSeenAt' | 'expiresAt' | '-expiresAt' | 'userId' | '-userId' | 'ip' | '-ip' | 'device' | '-device' | 'status' | '-status' | undefined;
      /** Items per page: 1 to 100. */
      limit?: number | undefined;
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined;
    };
    output: {
      sessions: Session[];
      /** For the next page; absent on the last. */
      nextCursor?: string | undefined;
      /** How many match, if that is known. */
      total?: number | undefined;
      /** There may be more than was shown. */
      partial: boolean;
    };
  };
  /** End a session by its token, refresh token, name, id or alias */
  logoutSession: {
    input: {
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Why the application ends the session for its user; only for API keys. By default, the reason follows from who ends the session. */
      reason?: 'logout' | 'ended_by_admin' | undefined;
      /** A session token. */
      token?: string | undefined;
      /** A refresh token. */
      refreshToken?: string | undefined;
      /** A unique name. */
      name?: string | undefined;
      /** The id of a session. */
      id?: string | undefined;
      /** A secret that another program issued. */
      alias?: {
        /** The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter. */
        kind: string;
        /** The secret itself, such as the id in an old cookie. */
        secret: string;
      } | undefined;
    };
    output: {
      success: boolean;
      message: string;
      /** Whether the session had ended before, so that nothing has changed. */
      alreadyEnded: boolean;
      session: ShownSession;
      receipt: Receipt;
    };
  };
  /** Give a session new tokens */
  refreshSession: {
    input: {
      /** A refresh token. */
      refreshToken: string;
    };
    output: {
      session: Session;
      /** The session token. Shown once. */
      token: string;
      /** The refresh token. Shown once. */
      refreshToken: string;
    };
  };
  /** Verify a session token, or an alias */
  verifySession: {
    input: {
      /** A session token. */
      token?: string | undefined;
      /** A secret that another program issued. */
      alias?: {
        /** The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter. */
        kind: string;
        /** The secret itself, such as the id in an old cookie. */
        secret: string;
      } | undefined;
    };
    output: {
      active: boolean;
      session?: Session | undefined;
      reason?: 'malformed' | 'unknown' | 'suspended' | 'logout' | 'ended_by_admin' | 'expired' | 'idle' | 'replaced' | 'refresh_reuse' | 'account_disabled' | 'all_of_user' | 'everyone' | undefined;
    };
  };
  /** Keep data with the session of an alias */
  keepSessionData: {
    input: {
      alias: {
        /** The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter. */
        kind: string;
        /** The SHA-256 of the secret in base64url, without padding. */
        hash: string;
      };
      /** The application's own id for a user: 1 to 255 bytes. */
      userId?: string | undefined;
      /** Text of the application's own, such as JSON without line breaks: at most 65,536 bytes. */
      data: string;
      /** Seconds without activity after which the session ends; at most what the policy allows. */
      idle?: number | undefined;
      /** The `User-Agent` of the device. */
      userAgent?: string | undefined;
      /** The address of the device. */
      ip?: string | undefined;
      /** Refuse instead of opening a session. */
      existing?: boolean | undefined;
      /** The SHA-256, in base64url without padding, of the data that this is to replace. If the session has other data by now, that stays, and the call only counts as activity. No session is opened. */
      seen?: string | undefined;
    };
    output: {
      session: ShownSession;
      receipt?: Receipt | undefined;
    };
  };
  /** List the data of the sessions that have an alias of a kind */
  listSessionData: {
    input: {
      /** The program that issued the secret: 1 to 32 characters of `a-z 0-9 -`, beginning with a letter. */
      kind: string;
      /** Items per page: 1 to 100. */
      limit?: number | undefined;
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined;
    };
    output: {
      sessions: {
          /** The id of a session. */
          id: string;
          /** The application's own id for a user: 1 to 255 bytes. */
          userId: string;
          /** Text of the application's own, such as JSON without line breaks: at most 65,536 bytes. */
          data: string;
          /** Seconds without activity after which the session ends. */
          idle: number;
        }[];
      /** For the next page; absent on the last. */
      nextCursor?: string | undefined;
    };
  };
  /** End exactly the sessions that were counted in a preview */
  endPreviewed: {
    input: {
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** `preview` of the previous answer. */
      preview: string;
    };
    output: {
      /** How many sessions were counted. */
      counted: number;
      /** How many of them were ended with the preview. */
      ended: number;
      /** How many of them had ended before. */
      alreadyEnded: number;
      /** How many of them were left alone, because what matches has changed. */
      changed: number;
      /** The handle for the rest; absent if that was all. */
      preview?: string | undefined;
      receipt?: Receipt | undefined;
    };
  };
  /** Count the sessions that match, and get a handle with which exactly these can be ended */
  previewSessions: {
    input: {
      /** Free text. */
      filter?: string | undefined;
      /** The application's own id for a user: 1 to 255 bytes. */
      user?: string | undefined;
      /** An access group. */
      group?: string | undefined;
      /** A unique name. */
      name?: string | undefined;
      /** An address. */
      ip?: string | undefined;
      /** Without it, both. */
      status?: 'active' | 'suspended' | undefined;
      /** Sessions to leave out: at most 100. */
      except?: string[] | undefined;
    };
    output: {
      /** How many sessions match. */
      sessions: number;
      /** How many different users have them. */
      users: number;
      /** There may be more: the time was used up. */
      partial: boolean;
      /** Whether the caller’s own session is among them. */
      own: boolean;
      /** The moment for which the numbers are exact. */
      countedAt: string;
      /** The handle, for `endPreviewed`; absent if no session matches. */
      preview?: string | undefined;
      /** Until when the handle can be used. */
      expiresAt: string;
    };
  };
  /** Add and remove access groups on a user’s sessions that have not ended */
  changeAccessGroups: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Keys that decide what the session may reach: at most 100. */
      add?: string[] | undefined;
      /** Keys that decide what the session may reach: at most 100. */
      remove?: string[] | undefined;
      /** The id of a session. */
      sessionId?: string | undefined;
    };
    output: {
      updated: number;
      receipt: Receipt;
    };
  };
  /** Add and remove access groups on a user’s sessions that have not ended; the user’s id is in the body */
  changeAccessGroupsOfUser: {
    input: {
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** Keys that decide what the session may reach: at most 100. */
      add?: string[] | undefined;
      /** Keys that decide what the session may reach: at most 100. */
      remove?: string[] | undefined;
      /** The id of a session. */
      sessionId?: string | undefined;
    };
    output: {
      updated: number;
      receipt: Receipt;
    };
  };
  /** End one of a user’s sessions by its token or id; the user’s id is in the body */
  endSessionOfUser: {
    input: {
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Why the application ends the session for its user; only for API keys. By default, the reason follows from who ends the session. */
      reason?: 'logout' | 'ended_by_admin' | undefined;
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** A session token of the user, or the id of a session. */
      token: string;
    };
    output: {
      success: boolean;
      message: string;
      /** Whether the session had ended before, so that nothing has changed. */
      alreadyEnded: boolean;
      session: ShownSession;
      receipt: Receipt;
    };
  };
  /** End all sessions of a user, or all but one; the id is in the body */
  endSessionsOfUser: {
    input: {
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Why the application ends the session for its user; only for API keys. By default, the reason follows from who ends the session. */
      reason?: 'logout' | 'ended_by_admin' | undefined;
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** The id of a session. */
      except?: string | undefined;
    };
    output: {
      success: boolean;
      message: string;
      /** How many active sessions this call ended. Suspended ones end as well, and are not counted. */
      ended: number;
      receipt: Receipt;
    };
  };
  /** End one of a user’s sessions by its token or id */
  endUserSession: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Why the application ends the session for its user; only for API keys. By default, the reason follows from who ends the session. */
      reason?: 'logout' | 'ended_by_admin' | undefined;
      /** A session token of the user, or the id of a session. */
      token: string;
    };
    output: {
      success: boolean;
      message: string;
      /** Whether the session had ended before, so that nothing has changed. */
      alreadyEnded: boolean;
      session: ShownSession;
      receipt: Receipt;
    };
  };
  /** End all sessions of a user, or all but one */
  endUserSessions: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** The id of a session. */
      except?: string | undefined;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Why the application ends the session for its user; only for API keys. By default, the reason follows from who ends the session. */
      reason?: 'logout' | 'ended_by_admin' | undefined;
    };
    output: {
      success: boolean;
      message: string;
      /** How many active sessions this call ended. Suspended ones end as well, and are not counted. */
      ended: number;
      receipt: Receipt;
    };
  };
  /** Read one of a user’s sessions by its token or id; the user’s id is in the body */
  findSessionOfUser: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** A session token of the user, or the id of a session. */
      token: string;
    };
    output: {
      session: Session;
    };
  };
  /** Read one of a user’s sessions by its token or id */
  findUserSession: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** A session token of the user, or the id of a session. */
      token: string;
    };
    output: {
      session: Session;
    };
  };
  /** List the sessions of a user */
  listUserSessions: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** Free text. */
      filter?: string | undefined;
      status?: 'active' | 'suspended' | 'ended' | 'any' | undefined;
      /** The order; `-` means descending. */
      sort?: 'createdAt' | '-createdAt' | 'lastSeenAt' | '-lastSeenAt' | 'expiresAt' | '-expiresAt' | 'userId' | '-userId' | 'ip' | '-ip' | 'device' | '-device' | 'status' | '-status' | undefined;
      /** Items per page: 1 to 100. */
      limit?: number | undefined;
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined;
    };
    output: {
      sessions: Session[];
      /** For the next page; absent on the last. */
      nextCursor?: string | undefined;
      /** How many match, if that is known. */
      total?: number | undefined;
      /** There may be more than was shown. */
      partial: boolean;
    };
  };
  /** Create a named session */
  createNamedSession: {
    input: {
      /** A unique name. */
      name: string;
      /** JSON of your own, at most 16 KiB. */
      config?: { [key: string]: unknown } | undefined;
      start?: boolean | undefined;
    };
    output: {
      named: NamedSession;
    };
  };
  /** Remove a named session and end the session in it */
  deleteNamedSession: {
    input: {
      /** A unique name. */
      name: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      success: boolean;
      receipt?: Receipt | undefined;
    };
  };
  /** Read a named session */
  getNamedSession: {
    input: {
      /** A unique name. */
      name: string;
    };
    output: {
      named: NamedSession;
    };
  };
  /** List named sessions by name */
  listNamedSessions: {
    input: {
      /** Items per page: 1 to 100. */
      limit?: number | undefined;
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined;
    };
    output: {
      namedSessions: NamedSession[];
      nextCursor?: string | undefined;
    };
  };
  /** End the session in a named session */
  logoutNamedSession: {
    input: {
      /** A unique name. */
      name: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      named: ShownNamedSession;
      receipt?: Receipt | undefined;
    };
  };
  /** Stop and start a named session */
  restartNamedSession: {
    input: {
      /** A unique name. */
      name: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      named: ShownNamedSession;
      receipt?: Receipt | undefined;
    };
  };
  /** Start a named session */
  startNamedSession: {
    input: {
      /** A unique name. */
      name: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      named: ShownNamedSession;
      receipt?: Receipt | undefined;
    };
  };
  /** Stop a named session */
  stopNamedSession: {
    input: {
      /** A unique name. */
      name: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      named: ShownNamedSession;
      receipt?: Receipt | undefined;
    };
  };
  /** Set the configuration of a named session */
  updateNamedSession: {
    input: {
      /** A unique name. */
      name: string;
      /** JSON of your own, at most 16 KiB. */
      config: { [key: string]: unknown };
    };
    output: {
      named: ShownNamedSession;
    };
  };
  /** Confirm the address that the owner of an account has set */
  confirmEmail: {
    input: {
      /** The id of an account. */
      id: string;
      /** The address that was confirmed. */
      email: string;
    };
    output: {
      account: Account;
    };
  };
  /** Confirm an authenticator by its first code */
  confirmTotp: {
    input: {
      /** The id of an account. */
      id: string;
      /** The code that the authenticator shows. */
      code: string;
      endOthers?: boolean | undefined;
    };
    output: {
      account: Account;
      /** Twelve codes, each of which works once. They are shown once. */
      backupCodes: string[];
      /** With `endOthers`, how many sessions ended. */
      ended?: number | undefined;
      receipt?: Receipt | undefined;
    };
  };
  /** Create an account */
  createAccount: {
    input: {
      /** Unique: 1 to 64 characters of a-z 0-9 . _ -. */
      username: string;
      /** Unique. */
      email?: string | undefined;
      /** The name to display. */
      name?: string | undefined;
      /** At least 8 characters. */
      password: string;
      /** `admin`: may do everything. `support`: sees and ends sessions. `auditor`: only reads. `member`: their own sessions. */
      roles?: ('admin' | 'support' | 'auditor' | 'member')[] | undefined;
      /** In addition to those of the roles. */
      permissions?: ('sessions.create' | 'sessions.verify' | 'sessions.read' | 'sessions.end' | 'groups.change' | 'accounts.manage' | 'keys.manage' | 'events.read' | 'fence.attach')[] | undefined;
    };
    output: {
      account: Account;
    };
  };
  /** Remove an account and end all its sessions */
  deleteAccount: {
    input: {
      /** The id of an account. */
      id: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      success: boolean;
      receipt: Receipt;
    };
  };
  /** Read an account */
  getAccount: {
    input: {
      /** The id of an account. */
      id: string;
    };
    output: {
      account: Account;
    };
  };
  /** List accounts by user name */
  listAccounts: {
    input: {
      /** A part of a name or address. */
      filter?: string | undefined;
      /** The user name or the address of one account, exactly. */
      login?: string | undefined;
      /** Ids of accounts, separated by commas: at most 100. */
      ids?: string | undefined;
      /** Items per page: 1 to 100. */
      limit?: number | undefined;
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined;
    };
    output: {
      accounts: Account[];
      nextCursor?: string | undefined;
      partial: boolean;
    };
  };
  /** Remove an authenticator and its backup codes */
  removeTotp: {
    input: {
      /** The id of an account. */
      id: string;
    };
    output: {
      account: Account;
    };
  };
  /** Give an account new backup codes */
  renewBackupCodes: {
    input: {
      /** The id of an account. */
      id: string;
    };
    output: {
      /** Twelve codes, each of which works once. They are shown once. */
      backupCodes: string[];
    };
  };
  /** Begin to enrol an authenticator */
  startTotp: {
    input: {
      /** The id of an account. */
      id: string;
      /** The current password. */
      currentPassword?: string | undefined;
    };
    output: {
      /** To be typed in; base 32. */
      secret: string;
      /** To be shown as a QR code. */
      url: string;
    };
  };
  /** Change an account */
  updateAccount: {
    input: {
      /** The id of an account. */
      id: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
      /** Unique: 1 to 64 characters of a-z 0-9 . _ -. */
      username?: string | undefined;
      email?: string | null | undefined;
      name?: string | null | undefined;
      /** At least 8 characters. */
      password?: string | undefined;
      /** The current password. */
      currentPassword?: string | undefined;
      /** `admin`: may do everything. `support`: sees and ends sessions. `auditor`: only reads. `member`: their own sessions. */
      roles?: ('admin' | 'support' | 'auditor' | 'member')[] | undefined;
      /** In addition to those of the roles. */
      permissions?: ('sessions.create' | 'sessions.verify' | 'sessions.read' | 'sessions.end' | 'groups.change' | 'accounts.manage' | 'keys.manage' | 'events.read' | 'fence.attach')[] | undefined;
      disabled?: boolean | undefined;
    };
    output: {
      account: Account;
      receipt?: Receipt | undefined;
    };
  };
  /** Create an API key */
  createKey: {
    input: {
      /** What it is for. */
      name: string;
      /** What the key may do. If empty: a key for browsers. */
      scopes: ('sessions.create' | 'sessions.verify' | 'sessions.read' | 'sessions.end' | 'groups.change' | 'accounts.manage' | 'keys.manage' | 'events.read' | 'fence.attach')[];
    };
    output: {
      key: ApiKey;
      token: string;
    };
  };
  /** Read an API key */
  getKey: {
    input: {
      /** The id of a key. */
      id: string;
    };
    output: {
      key: ApiKey;
    };
  };
  /** List API keys, newest first */
  listKeys: {
    input: {
      /** Items per page: 1 to 100. */
      limit?: number | undefined;
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined;
    };
    output: {
      keys: ApiKey[];
      nextCursor?: string | undefined;
    };
  };
  /** Revoke an API key */
  revokeKey: {
    input: {
      /** The id of a key. */
      id: string;
      /** Answer once the change is in force everywhere (the promise), or as soon as it is stored. */
      wait?: 'everywhere' | 'stored' | undefined;
    };
    output: {
      key: ApiKey;
      receipt: Receipt;
    };
  };
  /** How many sessions were opened and ended, and how many sign-ins were refused, in each interval of the last hours */
  eventSeries: {
    input: {
      /** How many hours back. */
      hours?: number | undefined;
      /** Seconds of each interval. */
      interval?: '60' | '300' | '900' | '3600' | undefined;
    };
    output: {
      /** When the first interval begins. */
      since: string;
      /** The time of the last interval’s end so far. */
      until: string;
      intervals: {
          /** When it begins. */
          at: string;
          /** Sessions opened, by signing in or by an application. */
          opened: number;
          /** Sessions ended. */
          ended: number;
          /** Sign-ins refused, also for a wrong code; one that was only asked for its code is not. */
          refused: number;
          /** Whether all events of the interval were counted. */
          exact: boolean;
        }[];
      /** Some intervals are not exact yet. */
      partial: boolean;
      /** Sessions that are active now. */
      active: number;
    };
  };
  /** List events, newest first, or follow them as they happen */
  listEvents: {
    input: {
      type?: 'session.created' | 'session.ended' | 'session.suspended' | 'session.resumed' | 'user.sessions_ended' | 'everyone.ended' | 'groups.changed' | 'login.failed' | 'second_factor.failed' | 'account.created' | 'account.changed' | 'account.disabled' | 'account.enabled' | 'account.deleted' | 'factor.enrolled' | 'factor.removed' | 'backup_codes.renewed' | 'key.created' | 'key.revoked' | 'named_session.created' | 'named_session.changed' | 'named_session.deleted' | 'store.failed_over' | 'account.recovered' | 'sessions.imported' | undefined;
      /** Several types, separated by commas; instead of `type`. */
      types?: string | undefined;
      /** The application's own id for a user: 1 to 255 bytes. */
      user?: string | undefined;
      /** The id of a session. */
      session?: string | undefined;
      /** Who did it: `user:…`, `key:…`, `policy` or `library`. */
      actor?: string | undefined;
      /** Only events at or after this time. */
      since?: string | undefined;
      /** Only events before this time. */
      until?: string | undefined;
      /** Items per page: 1 to 100. */
      limit?: number | undefined;
      /** `nextCursor` of the previous page. */
      cursor?: string | undefined;
    };
    output: {
      events: Event[];
      nextCursor?: string | undefined;
      partial: boolean;
    };
  };
  /** Whether the server is ready */
  readiness: {
    input: Record<string, never>;
    output: {
      /** `degraded`: it verifies, but cannot write. `unready`: it cannot verify, or is still starting. `draining`: it is about to shut down. */
      status: 'ready' | 'degraded' | 'unready' | 'draining';
      checks: {
        /** The store can be read. */
        storeRead: {
          ok: boolean;
          /** What is wrong. */
          detail?: string | undefined;
          /** What to do about it, if that is known. */
          remedy?: string | undefined;
          /** Since when it has failed. */
          since?: string | undefined;
        };
        /** The store accepts writes: a trial succeeds, and none has failed or been delayed recently. */
        storeWrite: {
          ok: boolean;
          /** What is wrong. */
          detail?: string | undefined;
          /** What to do about it, if that is known. */
          remedy?: string | undefined;
          /** Since when it has failed. */
          since?: string | undefined;
        };
        /** The server holds its lease on the store, without which it cannot verify. */
        lease: {
          ok: boolean;
          /** What is wrong. */
          detail?: string | undefined;
          /** What to do about it, if that is known. */
          remedy?: string | undefined;
          /** Since when it has failed. */
          since?: string | undefined;
        };
        /** The server's clock can be trusted. */
        clock: {
          ok: boolean;
          /** What is wrong. */
          detail?: string | undefined;
          /** What to do about it, if that is known. */
          remedy?: string | undefined;
          /** Since when it has failed. */
          since?: string | undefined;
        };
        /** The server has started, and is not about to shut down. */
        serving: {
          ok: boolean;
          /** What is wrong. */
          detail?: string | undefined;
          /** What to do about it, if that is known. */
          remedy?: string | undefined;
          /** Since when it has failed. */
          since?: string | undefined;
        };
      };
    };
  };
  /** Read the state of the server: its store, the nodes, the applications, the settings, and what to mend */
  serverState: {
    input: Record<string, never>;
    output: {
      /** The version of Curfew. */
      version: string;
      /** When the server started. */
      startedAt: string;
      store: {
        /** `lmdb`, `postgres` or `redis`. */
        kind: string;
        /** The engine, with its version. */
        engine: string;
        /** Without a password. */
        location: string;
        /** The version of Curfew’s own format. */
        format: number;
        /** Bytes that it occupies. */
        bytes: number;
        /** Anything else, by name. */
        facts: { [key: string]: unknown };
      };
      nodes: {
          id: string;
          /** Whether it is the server that answers. */
          here: boolean;
          /** Changes that it has not applied yet. */
          lag: number;
          /** Milliseconds for which it has not been seen to renew its lease. */
          silentMs: number;
          /** Whether its lease may still be valid, so that ends wait for it. */
          alive: boolean;
        }[];
      verifiers: ({
          /** The name that the application gave it. */
          name?: string | undefined;
          key: {
            id: string;
            name: string;
          };
          /** If not, it has left, but its lease may still be valid. */
          attached: boolean;
          /** Milliseconds that are left of its lease; 0 if it holds none. */
          leaseMs: number;
          /** Changes that it has not applied yet. */
          lag: number;
        })[];
      settings: {
          /** Its environment variable. */
          name: string;
          value: string;
          isDefault: boolean;
          help: string;
        }[];
      findings: ({
          check: string;
          state: 'ok' | 'warning' | 'fault';
          says: string;
          /** What to do about it. */
          remedy?: string | undefined;
        })[];
    };
  };
  /** Make a token with which a page can list and end the sessions of one user */
  createWidgetToken: {
    input: {
      /** The application's own id for a user: 1 to 255 bytes. */
      userId: string;
      /** The origin of the pages that will use it. */
      origin: string;
      /** The id of the user’s session in which the page is shown: the widget marks it. */
      session?: string | undefined;
      /** Seconds for which it works. */
      lifetime?: number | undefined;
    };
    output: {
      /** The widget token. Shown once. */
      token: string;
      /** Until when it works. */
      expiresAt: string;
    };
  };
  /** End all sessions of the user of a widget token but the one in which the page is shown */
  endOtherWidgetSessions: {
    input: Record<string, never>;
    output: {
      success: boolean;
      message: string;
      /** How many sessions this call ended. */
      ended: number;
      receipt: Receipt;
    };
  };
  /** End a session of the user of a widget token */
  endWidgetSession: {
    input: {
      /** The id of a session. */
      id: string;
    };
    output: {
      success: boolean;
      message: string;
      receipt: Receipt;
    };
  };
  /** List the active sessions of the user of a widget token */
  listWidgetSessions: {
    input: Record<string, never>;
    output: {
      sessions: ({
          /** The id of a session. */
          id: string;
          /** Whether the page is shown in it. */
          current: boolean;
          device: Device;
          ip?: string | undefined;
          /** When it was opened. */
          createdAt: string;
          /** When it was last verified, to the minute. */
          lastSeenAt: string;
        })[];
      /** How many there are. */
      total: number;
    };
  };
};

/** How each operation is called. */
export const operations: {
  readonly [Name in keyof Operations]: {
    readonly method: string;
    readonly path: string;
    readonly query: readonly string[];
    readonly body: boolean;
    /** A status that is neither a success nor an error. */
    readonly otherwise?: number;
  };
} = {
  login: { method: 'POST', path: '/v1/login', query: [], body: true },
  logout: { method: 'POST', path: '/v1/logout', query: ['wait'], body: false },
  me: { method: 'GET', path: '/v1/me', query: [], body: false },
  createSession: { method: 'POST', path: '/v1/sessions', query: [], body: true },
  endEveryone: { method: 'POST', path: '/v1/sessions/end-everyone', query: ['wait'], body: true },
  endSession: { method: 'DELETE', path: '/v1/sessions/:id', query: ['wait', 'reason'], body: false },
  exchangeAlias: { method: 'POST', path: '/v1/sessions/exchange-alias', query: [], body: true },
  getSession: { method: 'GET', path: '/v1/sessions/:id', query: [], body: false },
  listSessions: { method: 'GET', path: '/v1/sessions', query: ['filter', 'user', 'group', 'name', 'ip', 'status', 'sort', 'limit', 'cursor'], body: false },
  logoutSession: { method: 'POST', path: '/v1/sessions/logout', query: ['wait', 'reason'], body: true },
  refreshSession: { method: 'POST', path: '/v1/sessions/refresh', query: [], body: true },
  verifySession: { method: 'POST', path: '/v1/sessions/verify', query: [], body: true },
  keepSessionData: { method: 'PUT', path: '/v1/sessions/data', query: [], body: true },
  listSessionData: { method: 'GET', path: '/v1/sessions/data', query: ['kind', 'limit', 'cursor'], body: false },
  endPreviewed: { method: 'POST', path: '/v1/sessions/end-previewed', query: ['wait'], body: true },
  previewSessions: { method: 'POST', path: '/v1/sessions/preview', query: [], body: true },
  changeAccessGroups: { method: 'POST', path: '/v1/users/:userId/access-groups', query: ['wait'], body: true },
  changeAccessGroupsOfUser: { method: 'POST', path: '/v1/sessions/access-groups', query: ['wait'], body: true },
  endSessionOfUser: { method: 'POST', path: '/v1/sessions/end', query: ['wait', 'reason'], body: true },
  endSessionsOfUser: { method: 'POST', path: '/v1/sessions/end-user', query: ['wait', 'reason'], body: true },
  endUserSession: { method: 'POST', path: '/v1/users/:userId/sessions/end', query: ['wait', 'reason'], body: true },
  endUserSessions: { method: 'DELETE', path: '/v1/users/:userId/sessions', query: ['except', 'wait', 'reason'], body: false },
  findSessionOfUser: { method: 'POST', path: '/v1/sessions/find', query: [], body: true },
  findUserSession: { method: 'POST', path: '/v1/users/:userId/sessions/find', query: [], body: true },
  listUserSessions: { method: 'GET', path: '/v1/users/:userId/sessions', query: ['filter', 'status', 'sort', 'limit', 'cursor'], body: false },
  createNamedSession: { method: 'POST', path: '/v1/named-sessions', query: [], body: true },
  deleteNamedSession: { method: 'DELETE', path: '/v1/named-sessions/:name', query: ['wait'], body: false },
  getNamedSession: { method: 'GET', path: '/v1/named-sessions/:name', query: [], body: false },
  listNamedSessions: { method: 'GET', path: '/v1/named-sessions', query: ['limit', 'cursor'], body: false },
  logoutNamedSession: { method: 'POST', path: '/v1/named-sessions/:name/logout', query: ['wait'], body: false },
  restartNamedSession: { method: 'POST', path: '/v1/named-sessions/:name/restart', query: ['wait'], body: false },
  startNamedSession: { method: 'POST', path: '/v1/named-sessions/:name/start', query: ['wait'], body: false },
  stopNamedSession: { method: 'POST', path: '/v1/named-sessions/:name/stop', query: ['wait'], body: false },
  updateNamedSession: { method: 'PUT', path: '/v1/named-sessions/:name', query: [], body: true },
  confirmEmail: { method: 'POST', path: '/v1/accounts/:id/email/confirm', query: [], body: true },
  confirmTotp: { method: 'POST', path: '/v1/accounts/:id/totp/confirm', query: [], body: true },
  createAccount: { method: 'POST', path: '/v1/accounts', query: [], body: true },
  deleteAccount: { method: 'DELETE', path: '/v1/accounts/:id', query: ['wait'], body: false },
  getAccount: { method: 'GET', path: '/v1/accounts/:id', query: [], body: false },
  listAccounts: { method: 'GET', path: '/v1/accounts', query: ['filter', 'login', 'ids', 'limit', 'cursor'], body: false },
  removeTotp: { method: 'DELETE', path: '/v1/accounts/:id/totp', query: [], body: false },
  renewBackupCodes: { method: 'POST', path: '/v1/accounts/:id/backup-codes', query: [], body: false },
  startTotp: { method: 'POST', path: '/v1/accounts/:id/totp', query: [], body: true },
  updateAccount: { method: 'PATCH', path: '/v1/accounts/:id', query: ['wait'], body: true },
  createKey: { method: 'POST', path: '/v1/keys', query: [], body: true },
  getKey: { method: 'GET', path: '/v1/keys/:id', query: [], body: false },
  listKeys: { method: 'GET', path: '/v1/keys', query: ['limit', 'cursor'], body: false },
  revokeKey: { method: 'DELETE', path: '/v1/keys/:id', query: ['wait'], body: false },
  eventSeries: { method: 'GET', path: '/v1/events/series', query: ['hours', 'interval'], body: false },
  listEvents: { method: 'GET', path: '/v1/events', query: ['type', 'types', 'user', 'session', 'actor', 'since', 'until', 'limit', 'cursor'], body: false },
  readiness: { method: 'GET', path: '/readyz', query: [], body: false, otherwise: 503 },
  serverState: { method: 'GET', path: '/v1/server', query: [], body: false },
  createWidgetToken: { method: 'POST', path: '/v1/users/:userId/widget-token', query: [], body: true },
  endOtherWidgetSessions: { method: 'POST', path: '/v1/widget/sessions/end-others', query: [], body: false },
  endWidgetSession: { method: 'DELETE', path: '/v1/widget/sessions/:id', query: [], body: false },
  listWidgetSessions: { method: 'GET', path: '/v1/widget/sessions', query: [], body: false },
};
