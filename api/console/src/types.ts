// What the api says, as far as the console reads it. `tests/unit/api/test_console.py` holds these names against OpenAPI.
import type { Language } from "./texts";

export interface Sentence { key: string; zh: string; en: string }

export interface Reason extends Sentence { on: boolean }

export interface Person {
  user_name: string;
  display_name: string;
  role: "operator" | "supervisor" | "family" | "admin" | "helper" | "platform";
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
  held_until_at: string | null;
  desk_id: string | null;
  lease_until_at: string | null;
  former_desk_id: string | null;
  rung: number;
  signals: number;
  test: boolean;
}

export interface Lease { case_id: string; lease_id: string }
export interface Leases { leases: Lease[] }
export interface CaseAfter extends CaseRow { lease_id: string | null }

export interface Match { name: string; relation: string; resident_id: string | null }
export interface Housemate { resident_id: string; name: string }
export interface OpenThere { case_id: string; family: string; desk_id: string | null }
export interface Caller {
  home_id: string;
  address: string;
  note: string;
  matches: Match[];
  residents: Housemate[];
  open_cases: OpenThere[];
}
export interface PaperPerson {
  resident_id: string;
  name: string;
  birth_year: number | null;
  phone: string;
  note: string;
  conditions: string | null;
  mobility: string | null;
  dialect: string | null;
  oxygen: boolean | null;
}
export interface PaperHome {
  home_id: string;
  area_code: string;
  address: string;
  care_level: number;
  note: string;
  key_at: string | null;
  pets: string | null;
  residents: PaperPerson[];
  contacts: Contact[];
}
export interface PaperCase {
  case_id: string;
  home_id: string;
  family: string;
  priority: number;
  handling: string;
  raised_at: string;
  desk_id: string | null;
  address: string | null;
  note: string | null;
  key_at: string | null;
  pets: string | null;
  residents: PaperPerson[];
  contacts: Contact[];
  calls: string[];
}
export interface PaperCases { area: string; made_at: string; made_by: string; cases: PaperCase[]; more: boolean }
export interface PaperHomes { area: string; made_at: string; made_by: string; homes: PaperHome[]; next_after: string | null }
export interface Callers { callers: Caller[] }
export interface OpenedCase { case: CaseAfter; joined: boolean; repeated: boolean }
export interface RingingCall {
  call_id: string;
  number: string;
  seat: string | null;
  rang_at: string;
  answered_at: string | null;
  home_id: string | null;
  address: string | null;
  names: string[];
}
export interface Ringing { calls: RingingCall[]; rings: boolean; dials: boolean }
export interface CallOfCase { number: string; rang_at: string; taken_by: string | null }
export interface DialOfCase { number: string; asked_by: string; asked_at: string; result: string | null }
export interface CallsOfCase { calls: CallOfCase[]; dials: DialOfCase[]; stranger: boolean }

export interface Contact { contact_id: number; rank: number; name: string; relation: string; phone: string }

export interface HomeRecord {
  home_id: string;
  area_code: string;
  address: string;
  zone: string;
  care_level: number;
  note: string;
  key_at: string | null;
  pets: string | null;
  away_until: string | null;
}

export interface ResidentRecord {
  resident_id: string;
  name: string;
  birth_year: number | null;
  sex: string | null;
  phone: string;
  note: string;
  conditions: string | null;
  mobility: string | null;
  dialect: string | null;
  /** null: nobody wrote it down. */
  oxygen: boolean | null;
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

export interface StepDone { code: string; actor: string; at: string }
export interface CallMade { at: string; actor: string; contact_id: number | null; resident_id: string | null; result: string }
export interface EarlierCase { case_id: string; version: number; family: string; priority: number; handling: string; raised_at: string; outcome: Sentence | null }
export interface EarlierCases { cases: EarlierCase[]; now: string }
export interface ActivityLine { kind: string; role: string; room: string; name: Sentence; minutes: number[] }
export interface Unknown { from_at: string; to_at: string }
export interface LastHours { from_at: string; to_at: string; event_at: string; stretch_s: number; lines: ActivityLine[]; unknown: Unknown[]; now: string }

export interface CaseDetail extends CaseAfter {
  event_at: string;
  hold_reason: string | null;
  outcome: string | null;
  after_case_id: string | null;
  home: HomeRecord | null;
  /** null: this home is not registered. */
  coverage: CoverageNow | null;
  residents: ResidentRecord[];
  contacts: Contact[];
  signal_list: Signal[];
  evidence: Sentence[];
  audit: AuditRow[];
  script: ScriptStep[];
  steps: StepDone[];
  calls: CallMade[];
  follow_up_at: string | null;
  now: string;
}

export interface Outcome { code: string; zh: string; en: string; true_alarm: boolean; false_alarm: boolean }
export interface ContactResult { code: string; zh: string; en: string }
export interface CallResult { code: string; zh: string; en: string }
export interface Outcomes { outcomes: Outcome[]; contacts: ContactResult[]; calls: CallResult[] }

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
  address: string;
  area_code: string;
  care_level: number;
  coverage: CoverageNow;
  last_sign_at: string | null;
  open_cases: number;
}

export interface ResidentPage { residents: ResidentRow[]; next_after: string | null; now: string }
export interface SignOfLife { kind: string; room: string | null; device_id: string; resident_id: string | null; event_at: string }

export interface DeviceState {
  device_id: string;
  role: string;
  room: string;
  bound: boolean;
  last_seen_at: string | null;
  limit_s: number;
  silent: boolean;
}

export interface UsualValue { name: string; value: number; days: number; counted: number }
export interface DayFigures { day: string; active_hours: number; night_visits: number | null }
export interface Habits {
  usual: UsualValue[];
  days: DayFigures[];
  night_visits: number | null;
  night_visits_before: number | null;
  active_hours: number | null;
  active_hours_before: number | null;
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
  habits: Habits;
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
  word: "well" | "somebody" | "quiet" | "alert" | "cannot_see" | null;
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
  key_at: string | null;
  pets: string | null;
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
export interface HomeCalled { at: string; actor: string; result: "reached" | "not_reached" }
export interface CoverageHome {
  home_id: string;
  area_code: string;
  address: string;
  care_level: number;
  residents: Inhabitant[];
  coverage: CoverageNow;
  /** How the last call there went, in an incident. */
  called: HomeCalled | null;
}
export interface CoveragePage { homes: CoverageHome[]; next_after: string | null; now: string }
export interface VisitsDue { visits: VisitDue[]; now: string }
export interface HelperTotal { user_name: string; display_name: string; helper_kind: string; times: number; visits: number; hours: number }
export interface HoursTotals { helpers: HelperTotal[]; from_at: string; to_at: string }
export interface Assessment { level: number; assessed_on: string; assessor: string; paper: string; recorded_by: string; recorded_at: string }
export interface VisitMade { at: string; left_at: string; how: "door" | "phone"; result: string; note: string; user_name: string; display_name: string }
export interface Needs { groups: string[]; care_level: number; setting: string; last_at: string | null; due_at: string | null; assessments: Assessment[]; visits: VisitMade[]; now: string }
export interface Handover { handover_id: string; asked_by: string; asked_at: string; attempts: number; sent_at: string | null; settled_at: string | null; settled_how: string; detail: string; given_up: boolean }
export interface HandoversOfCase { handovers: Handover[] }
export interface NotTaken { handover_id: string; case_id: string; home_id: string; family: string; asked_by: string; asked_at: string; attempts: number; detail: string; given_up: boolean }
export interface HandoversNotTaken { handovers: NotTaken[] }
export interface UpstreamConsentRow { consent_id: number; agreed: boolean; given_by: string; giver: string; ground: string; recorded_by: string; recorded_at: string }
export interface UpstreamConsents { agreed: boolean; history: UpstreamConsentRow[] }

export interface Offer { case_id: string; user_name: string; why: "load" | "promise"; until_at: string }
export interface Seat { desk_id: string; area_prefix: string; name: string; user_name: string | null; display_name: string | null; signed_on_at: string | null }
export interface Centre { area_prefix: string; name: string; least_on_duty: number; on_duty: number; short: boolean; short_since: string | null; desks: Seat[] }
export interface Mine { desk_id: string; area_prefix: string; signed_on_at: string }
export interface Duty { duty_id: number; area_prefix: string; user_name: string; display_name: string; from_at: string; to_at: string; made_by: string; here: boolean }
export interface Thin { area_prefix: string; from_at: string; to_at: string; planned: number; least: number }
export interface Gap { gap_id: number; area_prefix: string; from_at: string; ended_at: string | null; on_duty: number; least: number }
export interface Rota { duties: Duty[]; thin: Thin[]; gaps: Gap[]; now: string }
export interface InHand { case_id: string; home_id: string; family: string; priority: number; handling: string; raised_at: string; held_until_at: string | null; hold_reason: string | null }
export interface CallBack { case_id: string; home_id: string; family: string; priority: number; follow_up_at: string; resolved_by: string | null }
export interface LookOwed { case_id: string; home_id: string; family: string; priority: number; resolved_at: string; resolved_by: string | null }
export interface Left { in_hand: InHand[]; call_backs: CallBack[]; second_looks: LookOwed[] }
export interface Draft { left: Left; state: string; now: string }
export interface ShiftHandover {
  handover_id: string; area_prefix: string; from_user: string; written_at: string; note: string; left: Left; digest: string; to_user: string | null;
  taken_at: string | null; waits: boolean; as_signed: boolean;
}
export interface ShiftHandovers { handovers: ShiftHandover[]; next_before: string | null; now: string }
export interface ShiftNow { mine: Mine | null; centres: Centre[]; absent: Duty[]; offers: Offer[]; handovers: ShiftHandover[]; now: string }
export interface RecipientDuty { weekday: number; from_minute: number; to_minute: number; zone: string }
export interface RecipientRow {
  recipient_id: string; kind: string; name: string; area_prefix: string; home_id: string | null; lowest_priority: number; enabled: boolean; paused_by: string | null; paused_until_at: string | null;
  user_name: string | null; duties: RecipientDuty[]; tried_at: string | null; trial_sent: boolean | null; trial_detail: string | null;
}
export interface Recipients { recipients: RecipientRow[]; ways: string[]; next_after: string | null; now: string }
export interface LadderRung { area_prefix: string; priority: number; rung: number; after_s: number; who: string; enabled: boolean; changed_by: string; reaches: "all" | "part" | "nobody" }
export interface Ladders { rungs: LadderRung[]; now: string }

export interface Share { count: number; n: number; pct: number | null }
export interface Arrival { n: number; p50_s: number | null; p90_s: number | null }
export interface Figures {
  name: string;
  raised: number;
  calls: number;
  alarms: number;
  within_60: Share;
  within_180: Share;
  unanswered: number;
  arrival: Arrival;
  false_alarms: Share;
  undecided: number;
  stale: number;
}
export interface Detector { name: string; raised: number; false_alarms: Share; undecided: number }
export interface Source { home_id: string; device_id: string | null; family: string; alarms: number; share_pct: number | null; false_alarms: Share; chattering: boolean }
export interface Load { desk_hours: number; alarms_per_desk_hour: number | null; floods: number; worst_10_min: number | null; unattended: number; sources: number; chattering: number }
export interface Definition { key: string; zh: string; en: string; means_zh: string; means_en: string }
export interface Report {
  area: string;
  from_day: string;
  to_day: string;
  zone: string;
  band_h: number;
  total: Figures;
  areas: Figures[];
  priorities: Figures[];
  bands: Figures[];
  detectors: Detector[];
  load: Load;
  sources: Source[];
  definitions: Definition[];
  now: string;
}

export interface ServiceWindow {
  window_id: number;
  area_code: string;
  home_id: string | null;
  device_id: string | null;
  technical_only: boolean;
  reason: string;
  substitute: string;
  from_at: string;
  until_at: string;
  planned_by: string;
  ended_at: string | null;
  ended_by: string | null;
  state: "planned" | "in_force" | "over";
}
export interface ServiceWindows { windows: ServiceWindow[]; next_before: number | null; now: string }

/** By which numbers cases are ranked and timed. */
export interface PriorityRule {
  family: string;
  priorities: number[];
  least: number[];
  changed_by: string;
  changed_at: string | null;
}

export interface AnswerTime {
  priority: number;
  answer_s: number;
  longest_s: number;
  changed_by: string;
  changed_at: string | null;
}

export interface AskingTime {
  family: string;
  wait_s: number;
  enabled: boolean;
  changed_by: string;
  changed_at: string | null;
}

export interface SiteRules {
  priorities: PriorityRule[];
  answers: AnswerTime[];
  asking: AskingTime[];
  may_change: boolean;
}
export interface HomeRow { home_id: string; area_code: string; address: string; care_level: number; residents: string[]; contacts: number; devices: number; unbound: number; last_seen_at: string | null }
export interface HomePage { homes: HomeRow[]; next_after: string | null; more: boolean }
export interface DeviceRow { device_id: string; role: string; room: string; resident_id: string | null; bound: boolean; last_seen_at: string | null }
export interface HomeFile { home: HomeRecord; residents: ResidentRecord[]; contacts: Contact[]; devices: DeviceRow[] }
export interface BadLine { line: number; problem: string }
export interface Imported { done: boolean; homes: number; residents: number; contacts: number; devices: number; bad: BadLine[] }
export interface Credentials { account: string; password: string; topic: string }
export interface UserRow { user_name: string; role: string; display_name: string; area_prefix: string; active: boolean; family_of: string[] }
export interface Users { users: UserRow[] }
export interface UserPassword { user_name: string; password: string }
export interface Centres { centres: Centre[] }
