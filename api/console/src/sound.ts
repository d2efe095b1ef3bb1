// Alarm sounds, after IEC 60601-1-8: ten pulses for what threatens life, three for what is urgent, two for what can wait a little, one
// low tone for technical. The most urgent waiting case sounds until somebody takes it. A browser gives no sound before a click.
export type SoundState = "off" | "on" | "muted" | "failed";

interface Pattern { hertz: number; pulses: number[]; pulseS: number; repeatS: number }

// `pulses`: beginnings of the pulses, s. Ten pulses: 3 + 2, and the same again after a pause.
const HIGH = [0, 0.25, 0.5, 0.9, 1.15, 1.9, 2.15, 2.4, 2.8, 3.05];
const PATTERNS: Record<number, Pattern> = {
  1: { hertz: 880, pulses: HIGH, pulseS: 0.16, repeatS: 6 },
  2: { hertz: 660, pulses: [0, 0.35, 0.7], pulseS: 0.2, repeatS: 10 },
  3: { hertz: 520, pulses: [0, 0.4], pulseS: 0.2, repeatS: 20 },
  4: { hertz: 262, pulses: [0], pulseS: 0.4, repeatS: 30 },
};
export const MUTE_MS = 120_000;

export class Sounder {
  private context: AudioContext | null = null;
  private priority: number | null = null;
  private urgent: ReadonlySet<string> = new Set();
  private mutedUntil = 0;
  private nextAt = 0;
  private failed = false;
  private readonly timer = window.setInterval(() => this.tick(), 250);
  /** How often each priority was sounded since the page was opened; read by tests. */
  readonly sounded: Record<number, number> = { 1: 0, 2: 0, 3: 0, 4: 0 };

  /** To be called from a click or key press. */
  async enable(): Promise<void> {
    try {
      this.context ??= new AudioContext();
      await this.context.resume();
      this.failed = false;
      this.nextAt = 0;
      this.tick();
    } catch {
      this.failed = true;
    }
  }

  state(): SoundState {
    if (this.failed) return "failed";
    if (this.context === null || this.context.state !== "running") return "off";
    return this.mutedLeftMs() > 0 ? "muted" : "on";
  }

  mutedLeftMs(): number {
    return Math.max(0, this.mutedUntil - performance.now());
  }

  mute(): void {
    this.mutedUntil = performance.now() + MUTE_MS;
  }

  unmute(): void {
    this.mutedUntil = 0;
    this.nextAt = 0;
  }

  /** What waits now, most urgent first. A new case of priority 1 or 2 ends a mute: that was given for what was known then. */
  demand(waiting: readonly { case_id: string; priority: number }[]): void {
    const urgent = waiting.filter((row) => row.priority <= 2);
    const isNew = urgent.some((row) => !this.urgent.has(row.case_id));
    const priority = waiting[0]?.priority ?? null;
    const rises = priority !== null && (this.priority === null || priority < this.priority);
    this.urgent = new Set(urgent.map((row) => row.case_id));
    this.priority = priority;
    if (isNew) this.mutedUntil = 0;
    if (isNew || rises) this.nextAt = 0;
    // Also called at each heartbeat: a browser slows the timers of a page that is hidden, but not what comes from the network.
    this.tick();
  }

  close(): void {
    window.clearInterval(this.timer);
    void this.context?.close();
    this.context = null;
  }

  private tick(): void {
    const pattern = this.priority === null ? undefined : PATTERNS[this.priority];
    if (pattern === undefined || this.priority === null || this.state() !== "on" || performance.now() < this.nextAt) return;
    this.nextAt = performance.now() + pattern.repeatS * 1000;
    this.sounded[this.priority] = (this.sounded[this.priority] ?? 0) + 1;
    this.play(pattern);
  }

  private play(pattern: Pattern): void {
    const context = this.context;
    if (context === null) return;
    for (const at of pattern.pulses) {
      const start = context.currentTime + 0.05 + at;
      const gain = context.createGain();
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(0.35, start + 0.02);
      gain.gain.setValueAtTime(0.35, start + pattern.pulseS - 0.03);
      gain.gain.linearRampToValueAtTime(0, start + pattern.pulseS);
      gain.connect(context.destination);
      // A tone with harmonics is easier to place in a room than a pure one.
      for (const [harmonic, level] of [[1, 0.6], [2, 0.25], [3, 0.15]] as const) {
        const tone = context.createOscillator();
        const part = context.createGain();
        tone.frequency.value = pattern.hertz * harmonic;
        part.gain.value = level;
        tone.connect(part).connect(gain);
        tone.start(start);
        tone.stop(start + pattern.pulseS);
      }
    }
  }
}
