// What the api says, as far as the console reads it. `tests/unit/api/test_console.py` holds these names against OpenAPI.
import type { Language } from "./texts";

export interface Sentence { key: string; zh: string; en: string }

export interface Reason extends Sentence { on: boolean }

export interface Person {
  user_name: string;
  display_name: string;
  role: "operator" | "supervisor" | "family" | "admin" | "helper";
  language: Language;
  area_prefix: string;
}

export interface Session {
  access_token: string;
  expires_at: string;
  session_ends_at: string;
  now: string;
  user: Person;
}

export interface Problem {
  title: string;
  status: number;
  code: string;
  detail: string;
  held_by: string | null;
  version: number | null;
  handling: string | null;
}

export interface CaseRow {
  case_id: string;
  version: number;
  home_id: string;
  area_code: string;
  resident_id: string | null;
  family: string;
  priority: number;
  score: number;
  reasons: Reason[];
  handling: string;
  condition: string;
  raised_at: string;
  queued_at: string | null;
  deadline_at: string | null;
  asking_until_at: string | null;
  desk_id: string | null;
  lease_until_at: string | null;
  former_desk_id: string | null;
  rung: number;
  signals: number;
  test: boolean;
}

export interface CaseAfter extends CaseRow { lease_id: string | null }

export interface Contact { rank: number; name: string; relation: string; phone: string }

export interface HomeRecord {
  home_id: string;
  area_code: string;
  address: string;
  zone: string;
  care_level: number;
  note: string;
  away_until: string | null;
}

export interface ResidentRecord {
  resident_id: string;
  name: string;
  birth_year: number | null;
  sex: string | null;
  phone: string;
  note: string;
}

export interface Signal {
  detection_id: string;
  detector: string;
  device_id: string | null;
  on: boolean;
  withdrawn: boolean;
  score: number;
  reason: Sentence;
  started_at: string;
}

export interface AuditRow {
  at: string;
  actor: string;
  action: string;
  version: number | null;
  reason: Sentence;
  note: string;
}

export interface ScriptStep { code: string; zh: string; en: string; required: boolean }

export interface CaseDetail extends CaseAfter {
  event_at: string;
  held_until_at: string | null;
  hold_reason: string | null;
  outcome: string | null;
  after_case_id: string | null;
  home: HomeRecord | null;
  residents: ResidentRecord[];
  contacts: Contact[];
  signal_list: Signal[];
  evidence: Sentence[];
  audit: AuditRow[];
  script: ScriptStep[];
  now: string;
}

export interface Outcome { code: string; zh: string; en: string; true_alarm: boolean }
export interface ContactResult { code: string; zh: string; en: string }
export interface Outcomes { outcomes: Outcome[]; contacts: ContactResult[] }

export interface NotLookedAt extends CaseRow { resolved_at: string; resolved_by: string; outcome: string }
export interface NotLookedAts { cases: NotLookedAt[]; now: string }
export interface Review { case_id: string; opened_at: string; waited_s: number; home_id: string; family: string; handling: string }
export interface Reviews { reviews: Review[] }

export interface Opening {
  opening_id: number; user_name: string; resident_id: string; name: string | null; area_code: string; reason: string; opened_at: string; ends_at: string;
  ended_at: string | null; living: boolean;
}
export interface Openings { openings: Opening[]; now: string }
export interface View { at: string; actor: string; action: string; residents: string[]; by_right: string; words: string }
export interface Views { views: View[]; next_before: string | null }

export interface Question { question_id: string; resident_id: string; name: string; said: Sentence; asked_at: string; until: string }
export interface Questions { questions: Question[]; now: string }

export interface Lane {
  group: string;
  lane: string;
  source: string;
  partitions: number;
  standing: number[];
  lag: number;
  age_s: number;
  watched_lag_s: number | null;
  since: string | null;
}

export interface PipelineNow { state: "running" | "late" | "standing" | "unknown"; lanes: Lane[]; at: string }
export interface CanariesNow { state: "ok" | "late" | "unknown"; oldest_age_s: number | null; lane: string | null; partition: number | null; unknown: number; late_s: number }
export interface Stage { name: string; state: "ok" | "late" | "away" | "unknown"; detail: string }

export interface Health {
  state: "ok" | "degraded" | "away";
  stages: Stage[];
  pipeline: PipelineNow;
  canaries: CanariesNow | null;
  streams_open: number;
  now: string;
}

export interface Snapshot { cases: CaseRow[]; health: Health; now: string }
export interface Change { change: string; at: string; actor: string; reason: string; open: boolean; case: CaseRow }

export type Coverage = "protected" | "degraded" | "blind";
export interface CoverageNow { state: Coverage; cannot_see_since: string | null; since_at: string | null; reasons: Sentence[] }

export interface ResidentRow {
  resident_id: string;
  name: string;
  home_id: string;
  area_code: string;
  care_level: number;
  coverage: CoverageNow;
  last_sign_at: string | null;
  open_cases: number;
}

export interface ResidentPage { residents: ResidentRow[]; next_after: string | null; now: string }
export interface SignOfLife { kind: string; room: string | null; device_id: string; event_at: string }

export interface DeviceState {
  device_id: string;
  role: string;
  room: string;
  bound: boolean;
  last_seen_at: string | null;
  limit_s: number;
  silent: boolean;
}

export interface ResidentDetail {
  resident: ResidentRecord;
  home: HomeRecord;
  contacts: Contact[];
  coverage: CoverageNow;
  signs: SignOfLife[];
  looked_back_s: number;
  devices: DeviceState[];
  open_cases: CaseRow[];
  now: string;
}

export interface OpenAlert {
  case_id: string;
  family: string;
  priority: number;
  raised_at: string;
  taken: boolean;
  handling: string;
  handler: string | null;
  address: string | null;
  room: string | null;
  going: string[];
  i_go: boolean;
}

export interface Relative {
  resident_id: string;
  name: string;
  scopes: string[];
  word: "well" | "quiet" | "alert" | "cannot_see" | null;
  said: Sentence | null;
  last_sign_at: string | null;
  cannot_see_since: string | null;
  taken: boolean | null;
  alerts: OpenAlert[];
  away_until: string | null;
  visitor_until: string | null;
  home_now: string | null;
  now: string;
}

export interface Moment { what: string; at: string }
export interface Day { resident_id: string; moments: Moment[]; since: string; home_now: string; whole: boolean; said: Sentence | null }
export interface HomeNotice { notice_id: number; kind: "away" | "visitor"; from_at: string; until_at: string; everybody: boolean; note: string; made_by: string }
export interface HomeNotices { notices: HomeNotice[]; home_now: string }
export interface KinContact { contact_id: number; rank: number; name: string; relation: string; phone: string }
export interface KinContacts { contacts: KinContact[] }
export interface Way { way: string | null; reach: string | null; offered: string[]; consented: boolean }
export interface ScopeWords { scope: string; zh: string; en: string; emergency: boolean }
export interface ConsentNow { user_name: string; display_name: string; scopes: string[]; given_by: string | null; giver: string | null; ground: string | null; recorded_by: string | null; recorded_at: string | null }
export interface ConsentRow { consent_id: number; user_name: string; scopes: string[]; given_by: string; giver: string; ground: string; recorded_by: string; recorded_at: string }
export interface Consents { now: ConsentNow[]; history: ConsentRow[]; scopes: ScopeWords[] }

export interface Relatives { relatives: Relative[]; now: string }

export interface DeadLetter {
  letter_id: string;
  at: string;
  account: string;
  topic: string;
  reason: string;
  detail: string;
  payload: string;
}

export interface DeadLetters { letters: DeadLetter[] }
export interface UnboundDevice { home_id: string; device_id: string; first_seen_at: string | null; last_seen_at: string | null }
export interface UnboundDevices { devices: UnboundDevice[] }

export interface Task {
  case_id: string;
  family: string;
  priority: number;
  state: string;
  address: string;
  residents: string[];
  home_note: string;
  asked_at: string;
  arrive_by: string;
  arrived_at: string | null;
  late: boolean;
}
export interface VisitDue { resident_id: string; name: string; address: string; area_code: string; groups: string[]; care_level: number; last_at: string | null; due_at: string; overdue: boolean }
export interface HelperPage { tasks: Task[]; visits: VisitDue[]; hours: number; now: string }
export interface HelperNear { user_name: string; display_name: string; kind: string; phone: string; busy: number; state: string | null }
export interface HelperResponse { user_name: string; display_name: string; state: string; asked_by: string; asked_at: string; arrived_at: string | null; arrive_by: string; late: boolean; result: string | null; note: string }
export interface HelpersOfCase { near: HelperNear[]; responses: HelperResponse[] }
export interface Count { homes: number; residents: number }
export interface AreaCoverage { area: string; protected: Count; degraded: Count; blind: Count }
export interface CoverageByArea { area: string; areas: AreaCoverage[]; total: AreaCoverage; now: string }
export interface Inhabitant { resident_id: string; name: string; birth_year: number | null; phone: string }
export interface CoverageHome {
  home_id: string;
  area_code: string;
  address: string;
  care_level: number;
  residents: Inhabitant[];
  coverage: CoverageNow;
}
export interface CoveragePage { homes: CoverageHome[]; next_after: string | null; now: string }
