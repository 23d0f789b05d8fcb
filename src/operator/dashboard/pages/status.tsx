import { Time } from "../../../dashboard/pages/time.tsx";
import { useWords } from "../../../dashboard/words/words.ts";
import type { Status } from "../../status.ts";

const BYTES_PER_MEGABYTE = 1_000_000;

interface Props {
  status: Status;
  now: number;
}

export function StatusPage({ status, now }: Props) {
  const { version, issuers } = status;
  const words = useWords().text.status;
  return (
    <>
      <h1>{words.title}</h1>
      <dl class="facts">
        <dt>{words.version}</dt>
        <dd>{version}</dd>
        <dt>{words.companyIssuer}</dt>
        <dd>
          <code>{issuers.companies}</code>
          {!issuers.areKeysHeld && ` ${words.noKeysHeld}`}
        </dd>
        <dt>{words.operatorIssuer}</dt>
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
  const { number, text } = useWords();
  const { status: words } = text;
  return (
    <section>
      <h2>{words.databases}</h2>
      <section class="scroll" tabindex={0} aria-label={words.databases}>
        <table class="keys">
          <thead>
            <tr>
              <th scope="col">{words.database}</th>
              <th scope="col">{words.size}</th>
              <th scope="col">{words.companies}</th>
              <th scope="col">{words.keys}</th>
              <th scope="col">{words.newestChange}</th>
              <th scope="col">{words.waitingUses}</th>
              <th scope="col">{words.untoldEvents}</th>
              <th scope="col">{words.retention}</th>
            </tr>
          </thead>
          <tbody>
            {status.databases.map((database) => (
              <tr>
                <th scope="row">
                  {database.id}
                  <small>{database.migration}</small>
                </th>
                <td data-name={words.size}>{words.megabytes(database.sizeBytes / BYTES_PER_MEGABYTE)}</td>
                <td data-name={words.companies}>{number(database.companies)}</td>
                <td data-name={words.keys}>{number(database.keys)}</td>
                <td data-name={words.newestChange}>
                  <Moment at={database.newestChangeAt} now={now} none={words.none} />
                </td>
                <td data-name={words.waitingUses}>
                  {number(database.waitingUses)}
                  {database.waitingUsesSince !== null && (
                    <small>{words.since(<Time at={database.waitingUsesSince} now={now} />)}</small>
                  )}
                </td>
                <td data-name={words.untoldEvents}>{number(database.untoldEvents)}</td>
                <td data-name={words.retention}>
                  <Moment at={database.retentionAt} now={now} none={words.never} />
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
  const { number, text } = useWords();
  const { status: words } = text;
  return (
    <section>
      <h2>{words.peppers}</h2>
      <section class="scroll" tabindex={0} aria-label={words.peppers}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.generation}</th>
              <th scope="col">{words.liveKeys}</th>
              <th scope="col">{words.state}</th>
            </tr>
          </thead>
          <tbody>
            {status.generations.map(({ generation, liveKeys, isKnown, isNewest }) => (
              <tr>
                <th scope="row">
                  <code>{generation}</code>
                </th>
                <td>{number(liveKeys)}</td>
                <td>
                  {isKnown ? isNewest && words.newest : <span class="tag unverifiable">{words.missing}</span>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
