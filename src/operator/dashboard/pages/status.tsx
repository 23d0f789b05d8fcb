import { whole } from "../../../dashboard/pages/number.ts";
import { Time } from "../../../dashboard/pages/time.tsx";
import type { Status } from "../../status.ts";

const megabytes = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const BYTES_PER_MEGABYTE = 1_000_000;

interface Props {
  status: Status;
  now: number;
}

export function StatusPage({ status, now }: Props) {
  const { version, issuers } = status;
  return (
    <>
      <h1>Status</h1>
      <dl class="facts">
        <dt>Version</dt>
        <dd>{version}</dd>
        <dt>Issuer of companies’ tokens</dt>
        <dd>
          <code>{issuers.companies}</code>
          {issuers.areKeysHeld ? "" : " (no signing keys held yet)"}
        </dd>
        <dt>Issuer of operators’ tokens</dt>
        <dd>
          <code>{issuers.operator}</code>
        </dd>
      </dl>
      <Databases status={status} now={now} />
      <Generations status={status} />
    </>
  );
}

function Moment({ at, now, none }: { at: string | null; now: number; none: string }) {
  return at === null ? <span class="quiet">{none}</span> : <Time at={at} now={now} />;
}

function Databases({ status, now }: Props) {
  return (
    <section>
      <h2>Databases</h2>
      <section class="scroll" tabindex={0} aria-label="Databases">
        <table class="keys">
          <thead>
            <tr>
              <th scope="col">Database</th>
              <th scope="col">Size</th>
              <th scope="col">Companies</th>
              <th scope="col">Keys</th>
              <th scope="col">Newest change</th>
              <th scope="col">Uses to be counted</th>
              <th scope="col">Events to be told</th>
              <th scope="col">Old rows dropped</th>
            </tr>
          </thead>
          <tbody>
            {status.databases.map((database) => (
              <tr>
                <th scope="row">
                  {database.id}
                  <small>{database.migration}</small>
                </th>
                <td data-name="Size">{megabytes.format(database.sizeBytes / BYTES_PER_MEGABYTE)} MB</td>
                <td data-name="Companies">{whole.format(database.companies)}</td>
                <td data-name="Keys">{whole.format(database.keys)}</td>
                <td data-name="Newest change">
                  <Moment at={database.newestChangeAt} now={now} none="None" />
                </td>
                <td data-name="Uses to be counted">
                  {whole.format(database.waitingUses)}
                  {database.waitingUsesSince !== null && (
                    <small>
                      since <Time at={database.waitingUsesSince} now={now} />
                    </small>
                  )}
                </td>
                <td data-name="Events to be told">{whole.format(database.untoldEvents)}</td>
                <td data-name="Old rows dropped">
                  <Moment at={database.retentionAt} now={now} none="Never" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Generations({ status }: { status: Status }) {
  return (
    <section>
      <h2>Peppers</h2>
      <section class="scroll" tabindex={0} aria-label="Peppers">
        <table>
          <thead>
            <tr>
              <th scope="col">Generation</th>
              <th scope="col">Live keys</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {status.generations.map(({ generation, liveKeys, isKnown, isNewest }) => (
              <tr>
                <th scope="row">
                  <code>{generation}</code>
                </th>
                <td>{whole.format(liveKeys)}</td>
                <td>
                  {isKnown ? (
                    isNewest && "New keys are made with it"
                  ) : (
                    <span class="tag unverifiable">Missing: its keys are refused</span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
