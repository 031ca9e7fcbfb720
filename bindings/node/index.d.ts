// SPDX-License-Identifier: MIT
// Types of @datalyr/api. `export =`: with CommonJS the module is the class.

declare class Datalyr {
  /**
   * Makes a client. Opens no connection.
   * @param options  the API key, or all options; without a key the environment
   *                 (DATALYR_API_KEY) is asked.
   * @throws DatalyrError without a key, or for a setting out of range
   */
  constructor(options?: string | Datalyr.DatalyrConfig);

  /**
   * Records an event. Resolves when it is accepted; while the queue is more
   * than half full and deliveries succeed, when there is room again.
   */
  track(options: Datalyr.TrackOptions): Promise<void>;
  /** With `null` for the user the event gets an anonymous id of its own. */
  track(userId: string | null, event: string, properties?: Datalyr.Properties): Promise<void>;

  /** Records who a user is. The last argument may be an anonymous id alone. */
  identify(userId: string, traits?: Datalyr.Properties, options?: string | Datalyr.CallOptions): Promise<void>;

  /** Records that a user belongs to an account. */
  group(userId: string, groupId: string, traits?: Datalyr.Properties, options?: string | Datalyr.CallOptions): Promise<void>;

  /** Records a page view. */
  page(userId: string, name?: string, properties?: Datalyr.Properties, options?: string | Datalyr.CallOptions): Promise<void>;

  /** Records that `previousId` is the same person as `newUserId`. */
  alias(newUserId: string, previousId?: string, options?: string | Datalyr.CallOptions): Promise<void>;

  /** Records a purchase: value, upper-case currency (default USD) and the rest. */
  trackPurchase(userId: string | null, purchase: Datalyr.Purchase, options?: Datalyr.CallOptions): Promise<void>;

  /**
   * Sends what waits; resolves when everything accepted before is delivered or
   * dropped, or when the time is over (default: closeTimeout).
   */
  flush(options?: Datalyr.WaitOptions): Promise<void>;

  /** Flushes, hands what is left to onDrop, and ends the client. */
  close(options?: Datalyr.WaitOptions): Promise<void>;

  /** This client's own anonymous id, the same for its life. */
  getAnonymousId(): string;

  /** The ledger at this moment: where every event is. */
  stats(): Datalyr.Stats;
}

declare namespace Datalyr {
  /** Anything that JSON.stringify writes as an object. */
  export type Properties = object;

  export type RefusalReason = 'validation_error' | 'too_large' | 'queue_full' | 'closed';

  export type DropReason =
    | 'queue_overflow' | 'permanent_client_error' | 'rejected_by_server'
    | 'max_flush_attempts' | 'close_timeout' | 'before_send'
    | 'journal_expired' | 'journal_corrupt';

  export interface CallOptions {
    anonymousId?: string;
    /** The server stores an id once; default: a new UUID. */
    eventId?: string;
    /** Seconds below 1e12, else milliseconds; default: now. */
    timestamp?: Date | string | number;
    sessionId?: string;
  }

  export interface TrackOptions extends CallOptions {
    /** This or anonymousId is required. */
    userId?: string;
    event: string;
    properties?: Properties;
  }

  export interface Purchase {
    value: number;
    currency?: string;
    [property: string]: unknown;
  }

  export interface WaitOptions {
    /** Milliseconds. */
    timeout?: number;
  }

  /** An event as it is on the wire. */
  export interface DatalyrEvent {
    event: string;
    eventId: string;
    userId?: string;
    anonymousId?: string;
    properties: { [name: string]: unknown };
    context: { [name: string]: unknown };
    timestamp: string;
  }

  export interface DatalyrConfig {
    /** From Settings, API Keys; default: DATALYR_API_KEY. */
    apiKey?: string;
    /** The full URL that events are posted to. */
    host?: string;
    /** Log lines on the console. */
    debug?: boolean;
    /** Send when so many events wait: 1 to 100, default 20. */
    flushAt?: number;
    /** Or after so many ms: 1000 to 3600000, default 10000. */
    flushInterval?: number;
    /** One request, in ms: 1000 to 60000, default 10000. */
    timeout?: number;
    /** Retries after the first attempt: 0 to 10, default 3. */
    retryLimit?: number;
    /** Events waiting and in flight: 100 to 10000, default 1000. */
    maxQueueSize?: number;
    /** Budget of close and flush in ms: 1000 to 120000, default 30000. */
    closeTimeout?: number;
    /** How long track() waits for room at most, in ms; default 5000, 0: never. */
    backpressureTimeout?: number;
    /** Added to events that lack them. */
    defaultProperties?: Properties;

    /** An event whose round of attempts failed; it may be tried again. */
    onError?: (event: DatalyrEvent, error: DatalyrError) => void;
    /** Events that were given up, or refused at the call. */
    onDrop?: (
      events: Array<DatalyrEvent | TrackOptions>,
      reason: DropReason | RefusalReason,
      count: number
    ) => void;
    /** Events that the server has. */
    onDelivered?: (events: DatalyrEvent[]) => void;
    /** Every failed request. */
    onAttemptFailed?: (events: DatalyrEvent[], error: DatalyrError) => void;
    /** Log lines, instead of the console. */
    onLog?: (level: 'error' | 'warn' | 'info' | 'debug', message: string) => void;

    flushIntervalMs?: number | string;
    timeoutMs?: number | string;
    closeTimeoutMs?: number | string;
    exitTimeoutMs?: number | string;
    maxQueueBytes?: number | string;
    maxEventBytes?: number | string;
    overflow?: 'drop_oldest' | 'refuse';
    blockTimeoutMs?: number | string;
    batch?: 'auto' | 'always' | 'never';
    maxBatchEvents?: number;
    maxBatchBytes?: number | string;
    maxInFlight?: number;
    /** Infinity or 'unlimited': no limit. */
    maxRequestsPerSecond?: number | 'unlimited';
    compression?: 'auto' | 'none' | 'gzip';
    journalDir?: string;
    journalMaxBytes?: number | string;
    journalMaxAgeMs?: number | string;
    journalSync?: 'none' | 'interval' | 'always';
    journalSyncIntervalMs?: number | string;
    proxy?: string;
    caFile?: string;
    clientCert?: string;
    clientKey?: string;
    /** false: calls are checked, counted and forgotten. */
    enabled?: boolean;

    /** Settings by the names and texts of the library, with their full range. */
    settings?: { [name: string]: string | number | boolean };
  }

  export interface Stats {
    calls: number;
    accepted: number;
    recovered: number;
    delivered: number;
    pending: number;
    refused: { [reason in RefusalReason | 'disabled']: number };
    dropped: { [reason in DropReason]: number };
    droppedUnreported: number;
    inFlight: number;
    duplicates: number;
    requests: number;
    retries: number;
    failures: number;
    bodyBytes: number;
    sentBytes: number;
    queueBytes: number;
    oldestAgeMs: number;
    journalErrors: number;
    journalCorruptBytes: number;
    latencyP50Ms: number;
    latencyP90Ms: number;
    latencyP99Ms: number;
  }

  export class DatalyrError extends Error {
    /** INVALID, TOO_LARGE, QUEUE_FULL, CLOSED, NOMEM, IO or DELIVERY. */
    code: string;
    reason?: RefusalReason;
    /** Of a failed delivery: 0 when no answer came. */
    httpStatus?: number;
    attempt?: number;
    /** -1: no retry. */
    retryInMs?: number;
  }

  export { Datalyr, Datalyr as default };
}

export = Datalyr;
