// What must never be silent: is this page alive, does the pipeline run, can the desk be heard.
import { Alert, Button } from "antd";
import { useEffect, useState } from "react";
import type { Link } from "./feed";
import { useSpeech } from "./language";
import type { Sounder } from "./sound";
import { countdown } from "./texts";
import type { Health } from "./types";

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

/** Older than three heartbeats is old, whatever the socket says. */
const OLD_S = 7;

export function isStale(link: Link): boolean {
  const age = ageS(link);
  return link.state === "lost" || (age !== null && age > OLD_S);
}

export function LinkState({ link, health }: { link: Link; health: Health | null }) {
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
    </span>
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
