import { Alert, Button, Form, Input } from "antd";
import { useState } from "react";
import { useRefusal } from "./refusal";
import { useSpeech } from "./language";
import { logIn } from "./session";
import type { Person } from "./types";

export function Login({ onLogin, ended, onLanguage }: { onLogin(person: Person): void; ended: boolean; onLanguage(): void }) {
  const { t } = useSpeech();
  const explain = useRefusal();
  const [refused, setRefused] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async ({ name, password }: { name: string; password: string }): Promise<void> => {
    setBusy(true);
    setRefused(null);
    try {
      onLogin(await logIn(name.trim(), password));
    } catch (error) {
      setRefused(explain(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main className="login">
      <section>
        <img src="/favicon.svg" alt="" width="56" height="56" />
        <h1>
          守望 <small>Shouwang</small>
        </h1>
        <p>{t("app.what")}</p>
        {ended && refused === null && <Alert type="info" showIcon title={t("login.ended")} />}
        {refused !== null && <Alert type="error" showIcon title={refused} data-testid="login-refused" />}
        <Form layout="vertical" onFinish={submit} requiredMark={false}>
          <Form.Item name="name" label={t("login.user")} rules={[{ required: true, message: "" }]}>
            <Input autoFocus autoComplete="username" maxLength={80} size="large" />
          </Form.Item>
          <Form.Item name="password" label={t("login.password")} rules={[{ required: true, message: "" }]}>
            <Input.Password autoComplete="current-password" maxLength={400} size="large" />
          </Form.Item>
          <Button type="primary" htmlType="submit" block size="large" loading={busy} data-testid="login">
            {t("login.go")}
          </Button>
        </Form>
        <Button type="link" onClick={onLanguage} data-testid="language">
          {t("nav.language")}
        </Button>
      </section>
    </main>
  );
}
