// Priority as colour, shape and text together (IEC 60601-1-8: red, yellow, cyan; technical looks different), so that none is needed alone.
import { useSpeech } from "./language";

const MARKS: Record<number, string> = { 1: "!!!", 2: "!!", 3: "!", 4: "T", 5: "i" };

function Shape({ priority }: { priority: number }) {
  switch (priority) {
    case 1:
      return <polygon points="16,2 31,29 1,29" />;
    case 2:
      return <polygon points="16,1 31,16 16,31 1,16" />;
    case 3:
      return <circle cx="16" cy="16" r="14" />;
    case 4:
      return <rect x="3" y="3" width="26" height="26" rx="2" strokeDasharray="5 3" />;
    default:
      return <circle cx="16" cy="16" r="13" fill="none" />;
  }
}

/** `calling`: nobody has it yet, so it flashes (2 Hz and 0.6 Hz, below the 3 Hz that may harm). */
export function PriorityMark({ priority, calling }: { priority: number; calling: boolean }) {
  const { word } = useSpeech();
  const name = word("priority", String(priority));
  return (
    <span className={`priority p${priority}${calling ? " calling" : ""}`} title={`P${priority} ${name}`}>
      <svg viewBox="0 0 32 32" width="34" height="34" role="img" aria-label={`P${priority} ${name}`}>
        <Shape priority={priority} />
        <text x="16" y={priority === 1 ? 26 : 22} textAnchor="middle">
          {MARKS[priority]}
        </text>
      </svg>
      <span className="priority-name">
        <b>P{priority}</b> {name}
      </span>
    </span>
  );
}
