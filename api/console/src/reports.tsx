// For supervisors: a month's report of an area, on screen, as a table for a spreadsheet, and on paper. What each figure is comes with it from the server.
import { Alert, Button, Input, Select, Table } from "antd";
import { useEffect, useRef, useState } from "react";
import { useSpeech } from "./language";
import { useRefusal } from "./refusal";
import { get, request } from "./session";
import type { Detector, Figures, Report, Share, Source } from "./types";

const BANDS = ["1", "2", "3", "4", "6", "8", "12"];

/** This month by the desk's own calendar, as YYYY-MM. */
function thisMonth(): string {
  const today = new Date();
  return `${today.getFullYear()}-${String(today.getMonth() + 1).padStart(2, "0")}`;
}

function queryOf(area: string, month: string, band: string): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const last = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return new URLSearchParams({ area, from_day: `${month}-01`, to_day: `${month}-${last}`, band_h: band }).toString();
}

export function ReportsPage() {
  const { t, at, word, language, duration } = useSpeech();
  const explain = useRefusal();
  const say = useRef(explain);
  say.current = explain;
  const [month, setMonth] = useState(thisMonth);
  const [area, setArea] = useState("");
  const [band, setBand] = useState("8");
  const [report, setReport] = useState<Report | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  const wanted = /^\d{4}-\d\d$/.test(month) && /^\d{0,12}$/.test(area) ? queryOf(area, month, band) : null;

  useEffect(() => {
    const stop = new AbortController();
    setReport(null);
    if (wanted === null) return undefined;
    get<Report>(`/api/v1/report?${wanted}`, stop.signal).then(
      (found) => {
        setReport(found);
        setTrouble(null);
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setTrouble(say.current(error));
      },
    );
    return () => stop.abort();
  }, [wanted]);

  const save = async (): Promise<void> => {
    try {
      const table = await (await request(`/api/v1/report.csv?${wanted ?? ""}`)).blob();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(table);
      link.download = `shouwang-${area || "all"}-${month}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (error) {
      setTrouble(explain(error));
    }
  };

  const called = (key: string): string => report?.definitions.find((each) => each.key === key)?.[language] ?? key;
  /** A share of nothing is not 100 %: it is said that there is none. */
  const share = (found: Share): string => (found.pct === null ? t("report.none") : t("report.share", { pct: found.pct, count: found.count, n: found.n }));
  const took = (seconds: number | null): string => (seconds === null ? t("report.none") : duration(seconds));

  const figures = (title: string, rows: Figures[], name: (row: Figures) => string, id: string) => (
    <Table<Figures>
      size="small" pagination={false} rowKey="name" dataSource={rows} data-testid={`report-${id}`} locale={{ emptyText: t("report.none") }}
      columns={[
        { title, render: (_, row) => name(row) },
        { title: called("raised"), dataIndex: "raised", align: "right" },
        { title: called("calls"), dataIndex: "calls", align: "right" },
        { title: called("alarms"), dataIndex: "alarms", align: "right" },
        { title: called("within_60"), align: "right", render: (_, row) => share(row.within_60) },
        { title: called("within_180"), align: "right", render: (_, row) => share(row.within_180) },
        { title: called("unanswered"), dataIndex: "unanswered", align: "right" },
        {
          title: called("arrival"), align: "right",
          render: (_, row) => (row.arrival.n === 0 ? t("report.none") : t("report.arrival", { p50: took(row.arrival.p50_s), p90: took(row.arrival.p90_s), n: row.arrival.n })),
        },
        { title: called("false_alarms"), align: "right", render: (_, row) => share(row.false_alarms) },
        { title: called("undecided"), dataIndex: "undecided", align: "right" },
        { title: called("stale"), dataIndex: "stale", align: "right" },
      ]}
    />
  );

  return (
    <main className="system report" data-testid="report-page">
      <div className="bar no-print">
        <input type="month" value={month} onChange={(event) => setMonth(event.target.value)} aria-label={t("report.month")} data-testid="report-month" />
        <Input className="short" value={area} onChange={(event) => setArea(event.target.value)} placeholder={t("cover.area")} aria-label={t("cover.area")} data-testid="report-area" />
        <Select value={band} onChange={setBand} options={BANDS.map((each) => ({ value: each, label: t("report.band", { hours: each }) }))} aria-label={t("report.bands")} />
        <Button onClick={() => void save()} disabled={report === null} data-testid="report-csv">CSV</Button>
        <Button onClick={() => window.print()} disabled={report === null} data-testid="report-print">{t("report.print")}</Button>
      </div>
      {trouble !== null && <Alert type="error" title={trouble} />}
      {report !== null && (
        <>
          <h2 data-testid="report-title">{t("report.title", { area: report.area || t("cover.all"), from: report.from_day, to: report.to_day })}</h2>
          <p className="small">{t("report.made", { at: at(report.now), zone: report.zone })}</p>
          {figures(t("report.all"), [report.total], () => t("cover.all"), "total")}
          <h3>{t("report.load")}</h3>
          <p data-testid="report-load">
            {called("desk_hours")} <b>{report.load.desk_hours}</b> · {called("alarms_per_desk_hour")} <b>{report.load.alarms_per_desk_hour ?? t("report.none")}</b> ·{" "}
            {called("floods")} <b>{report.load.floods}</b> · {called("worst_10_min")} <b>{report.load.worst_10_min?.toFixed(1) ?? t("report.none")}</b> ·{" "}
            {called("unattended")} <b>{report.load.unattended}</b> · {called("chattering")} <b>{report.load.chattering}</b> / {report.load.sources}
          </p>
          <h3>{t("report.priorities")}</h3>
          {figures(t("report.priorities"), report.priorities, (row) => word("priority", row.name), "priority")}
          <h3>{t("report.bands")}</h3>
          {figures(t("report.bands"), report.bands, (row) => `${row.name}:00–${Number(row.name) + report.band_h}:00`, "band")}
          <h3>{t("cover.area")}</h3>
          {figures(t("cover.area"), report.areas, (row) => row.name || t("report.no_area"), "area")}
          <h3>{called("detectors")}</h3>
          <Table<Detector>
            size="small" pagination={false} rowKey="name" dataSource={report.detectors} data-testid="report-detectors" locale={{ emptyText: t("report.none") }}
            columns={[
              { title: called("detectors"), render: (_, row) => row.name || t("report.no_detector") },
              { title: called("raised"), dataIndex: "raised", align: "right" },
              { title: called("false_alarms"), align: "right", render: (_, row) => share(row.false_alarms) },
              { title: called("undecided"), dataIndex: "undecided", align: "right" },
            ]}
          />
          <h3>{called("sources")}</h3>
          <Table<Source>
            size="small" pagination={false} rowKey={(row) => `${row.home_id} ${row.device_id ?? ""} ${row.family}`} dataSource={report.sources} data-testid="report-sources" locale={{ emptyText: t("report.none") }}
            columns={[
              { title: called("sources"), render: (_, row) => `${row.home_id}${row.device_id === null ? "" : `.${row.device_id}`} · ${word("family", row.family)}` },
              { title: called("alarms"), align: "right", render: (_, row) => `${row.alarms} (${row.share_pct ?? 0} %)` },
              { title: called("false_alarms"), align: "right", render: (_, row) => share(row.false_alarms) },
              { title: called("chattering"), render: (_, row) => (row.chattering ? "●" : "") },
            ]}
          />
          <h3>{t("report.definitions")}</h3>
          <dl className="definitions" data-testid="report-definitions">
            {report.definitions.map((each) => (
              <div key={each.key}>
                <dt>{each.zh} · {each.en}</dt>
                <dd>{each.means_zh}<br />{each.means_en}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </main>
  );
}
