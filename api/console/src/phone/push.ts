// Being told of a P1 on this telephone, also when the page is closed: the browser subscribes with the site's key, the site keeps what it gave.
import { get, myName, request } from "../session";
import { h, show } from "./dom";
import { t } from "./words";

/** Who subscribed here: on a telephone that changes hands the former one must not be told on it any more. */
const WHO = "shouwang.push";
interface PushKey { key: string | null }

const send = (method: "PUT" | "DELETE", body: object): Promise<Response> =>
  request("/api/v1/family/push", { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function existing(): Promise<PushSubscription | null> {
  return (await navigator.serviceWorker.ready).pushManager.getSubscription();
}

async function tell(subscription: PushSubscription): Promise<void> {
  const { endpoint, keys } = subscription.toJSON();
  await send("PUT", { endpoint, p256dh: keys?.["p256dh"], auth: keys?.["auth"] });
  localStorage.setItem(WHO, myName() ?? "");
}

async function subscribe(key: string): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") throw new Error("denied");
  const worker = await navigator.serviceWorker.ready;
  await tell(await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
}

/** No more messages here: before somebody logs out, and when they say so. */
export async function unsubscribe(): Promise<void> {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const found = await existing();
  if (found === null) return;
  await send("DELETE", { endpoint: found.endpoint }).catch(() => undefined);
  await found.unsubscribe();
  localStorage.removeItem(WHO);
}

/** A box that says whether this telephone is told, and changes it; nothing where the site or the browser cannot. */
export function push(box: HTMLElement, fail: (error: unknown) => void): void {
  if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  const draw = (key: string, on: boolean): void => {
    const act = (done: () => Promise<void>, after: boolean) => (): void => {
      done().then(() => draw(key, after), (error: unknown) => {
        if (Notification.permission === "denied") draw(key, false);
        else fail(error);
      });
    };
    show(box, h("section", { class: "push" },
      h("p", { "data-testid": "push-now" }, t(on ? "push.on" : Notification.permission === "denied" ? "push.denied" : "push.off")),
      on
        ? h("button", { type: "button", "data-testid": "push-off", click: act(unsubscribe, false) }, t("push.stop"))
        : h("button", { type: "button", class: "big", "data-testid": "push-on", click: act(() => subscribe(key), true) }, t("push.start")),
      h("p", { class: "small" }, t("push.what_it_does"))));
  };
  const begin = async (): Promise<void> => {
    const { key } = await get<PushKey>("/api/v1/family/push");
    if (key === null) return;
    let found = await existing();
    if (found !== null && localStorage.getItem(WHO) !== myName()) {
      await found.unsubscribe();
      found = null;
    }
    // Said again at each opening: somebody may have consented meanwhile, and what the push service once called gone is asked anew.
    if (found !== null) await tell(found);
    draw(key, found !== null);
  };
  begin().catch(() => undefined);
}
