// What must never be silent: is this page alive, does the pipeline run, can the desk be heard.
import { Alert, Button } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import type { Link } from "./feed";
import { useSpeech } from "./language";
import { get } from "./session";
import type { Sounder } from "./sound";
import { countdown } from "./texts";
import type { CoverageByArea, Health } from "./types";

function useTick(everyMs: number): void {
  const [, set] = useState(0);
  useEffect(() => {
    const timer = window.setInterval(() => set((n) => n + 1), everyMs);
    return () => window.clearInterval(timer);
  }, [everyMs]);
}

function ageS(link: Link): number | null {
  return link.heardAt === null ? null : (performance.now() - link.heardAt) / 1000;
}

/** A page without a stream asks this often, ms. */
const POLL_MS = 5_000;
/** Older than three heartbeats is old, whatever the socket says. */
const OLD_S = 7;

export function isStale(link: Link): boolean {
  const age = ageS(link);
  return link.state === "lost" || (age !== null && age > OLD_S);
}

export function LinkState({ link, health, children }: { link: Link; health: Health | null; children?: ReactNode }) {
  useTick(500);
  const { t, duration } = useSpeech();
  const age = ageS(link);
  const stale = isStale(link);
  return (
    <span className="state">
      <span className={`lamp ${stale ? "bad" : link.state === "live" ? "good" : "wait"}`} data-testid="link">
        {stale ? "✕" : "●"} {link.state === "live" && !stale && age !== null ? `${t("link.live")} · ${t("link.heartbeat", { age: duration(age) })}` : t(stale ? "link.unknown" : "link.connecting")}
      </span>
      {!stale && health !== null && <Pipeline health={health} />}
      {!stale && health !== null && <CanaryLamp health={health} />}
      {children}
    </span>
  );
}

/** How often a desk counts whom nobody can see, ms. Chosen: as often as a resident's page is read anew. */
const BLIND_MS = 30_000;

/** How many residents of one's area nobody can see. Where the answer does not come it is not known, which is not none. */
export function BlindLamp({ onOpen }: { onOpen(): void }) {
  const { t } = useSpeech();
  const [blind, setBlind] = useState<number | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const load = (): void =>
      void get<CoverageByArea>("/api/v1/coverage?area=", stop.signal).then(
        (found) => setBlind(found.total.blind.residents),
        () => setBlind(null),
      );
    load();
    const timer = window.setInterval(load, BLIND_MS);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, []);
  return (
    <button className={`lamp ${blind === 0 ? "good" : "wait"}`} onClick={onOpen} data-testid="blind" title={t("cover.blind_what")}>
      {blind === 0 ? "●" : "◆"} {t("cover.blind_count", { count: blind ?? "?" })}
    </button>
  );
}

function Pipeline({ health }: { health: Health }) {
  const { t } = useSpeech();
  const { state, lanes } = health.pipeline;
  const parts = lanes.reduce((sum, lane) => sum + lane.standing.length, 0);
  const lamp = state === "running" ? "good" : state === "late" ? "wait" : "bad";
  return (
    <span className={`lamp ${lamp}`} data-testid="pipeline" data-state={state}>
      {lamp === "good" ? "●" : lamp === "wait" ? "◆" : "✕"} {state === "unknown" ? `${t("system.pipeline")} · ${t("link.unknown")}` : <PipelineWords health={health} />}
      {parts > 0 && <small> {t("pipe.parts", { count: parts })}</small>}
    </span>
  );
}

/** How long ago the whole way was last seen to work, from a device's message to this stream. Not known is said, and is not well. */
function CanaryLamp({ health }: { health: Health }) {
  const { t, duration } = useSpeech();
  const state = health.canaries?.state ?? "unknown";
  const age = health.canaries?.oldest_age_s ?? null;
  const words = state !== "unknown" && age !== null ? t("canary.age", { age: duration(age) }) : health.canaries === null ? t("canary.none") : t("canary.unknown");
  return (
    <span className={`lamp ${state === "ok" ? "good" : state === "late" ? "bad" : "wait"}`} data-testid="canary" data-state={state} title={t("canary.what")}>
      {state === "ok" ? "●" : state === "late" ? "✕" : "◆"} {words}
    </span>
  );
}

/** The same for a page without a stream of changes. */
export function PolledCanary() {
  const { t } = useSpeech();
  const [health, setHealth] = useState<Health | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const load = (): void => void get<Health>("/api/v1/health", stop.signal).then(setHealth, () => setHealth(null));
    load();
    const timer = window.setInterval(load, POLL_MS);
    return () => {
      stop.abort();
      window.clearInterval(timer);
    };
  }, []);
  return <span className="state">{health === null ? <span className="lamp wait" data-testid="canary" data-state="unknown">◆ {t("canary.unknown")}</span> : <CanaryLamp health={health} />}</span>;
}

function PipelineWords({ health }: { health: Health }) {
  const { t, duration } = useSpeech();
  const { state, lanes } = health.pipeline;
  if (state === "late") {
    const lag = lanes.reduce((sum, lane) => sum + lane.lag, 0);
    const late = Math.max(0, ...lanes.map((lane) => lane.watched_lag_s ?? 0));
    return t("pipe.late", { lag, late: duration(late) });
  }
  if (state === "standing") return t("pipe.standing", { age: duration(Math.max(0, ...lanes.map((lane) => lane.age_s))) });
  return t(state === "running" ? "pipe.running" : "pipe.unknown");
}

export function Banners({ link, health }: { link: Link; health: Health | null }) {
  useTick(500);
  const { t, duration } = useSpeech();
  if (isStale(link)) {
    const age = ageS(link);
    return <Alert banner type="error" className="banner" data-testid="lost" title={t("link.lost", { age: age === null ? "?" : duration(age) })} />;
  }
  if (health === null) return null;
  const away = (name: string): boolean => health.stages.some((stage) => stage.name === name && stage.state === "away");
  return (
    <>
      {away("database") && <Alert banner type="error" className="banner" data-testid="database-away" title={t("link.database")} />}
      {away("feed") && <Alert banner type="warning" className="banner" data-testid="feed-away" title={t("link.feed")} />}
      {health.canaries?.state === "late" && !away("database") && (
        <Alert
          banner type="error" className="banner" data-testid="canary-late"
          title={t("canary.late", { age: duration(health.canaries.oldest_age_s ?? 0), lane: health.canaries.lane ?? "?", partition: health.canaries.partition ?? "?" })}
        />
      )}
      {(health.pipeline.state === "standing" || health.pipeline.state === "unknown") && !away("database") && (
        <Alert banner type="error" className="banner" data-testid="pipeline-standing" title={<PipelineWords health={health} />} />
      )}
    </>
  );
}

function Speaker({ on = false }: { on?: boolean }) {
  return (
    <svg viewBox="0 0 16 16" width="13" height="13" fill="currentColor" stroke="currentColor" aria-hidden="true">
      <path d="M1 6h3l4-4v12l-4-4H1z" stroke="none" />
      {on ? <path d="M10 5q2 3 0 6M12 3q4 5 0 10" fill="none" strokeWidth="1.5" /> : <path d="M10 6l5 5M15 6l-5 5" strokeWidth="1.7" />}
    </svg>
  );
}

export function SoundButton({ sounder }: { sounder: Sounder }) {
  useTick(500);
  const { t } = useSpeech();
  const state = sounder.state();
  if (state === "on") {
    return (
      <Button size="small" ghost onClick={() => sounder.mute()} data-testid="sound" data-state={state} data-sounded={JSON.stringify(sounder.sounded)} title={t("sound.mute")}>
        <Speaker on /> {t("sound.on")}
      </Button>
    );
  }
  if (state === "muted") {
    return (
      <Button size="small" danger type="primary" onClick={() => sounder.unmute()} data-testid="sound" data-state={state} title={t("sound.unmute")}>
        <Speaker /> {t("sound.muted", { left: countdown(sounder.mutedLeftMs() / 1000) })}
      </Button>
    );
  }
  return (
    <Button size="small" danger type="primary" className="attention" onClick={() => void sounder.enable()} data-testid="sound" data-state={state}>
      <Speaker /> {t(state === "failed" ? "sound.failed" : "sound.off")}
    </Button>
  );
}
