// SPDX-License-Identifier: Apache-2.0
//
// The configurations of the ecosystem's own test suite that fit one node: what the server gets in its environment, and
// which suites run there; the same services in the mode without streams both ways; and version 7 of the service protocol,
// which servers offer on request. The variables of commonEnvironment are always set by its deployer; a server has to
// accept them, also those that mean nothing to it.

export type Configuration = {
  name: string;
  env: Record<string, string>;
  suites: string[];
  /** What the service gets in its environment, and what its SDK needs for this. */
  endpointEnv?: Record<string, string>;
  features?: string[];
};

const usual = [
  ...["Attach", "CallOrdering", "Cancellation", "Combinators", "Ingress", "KillInvocation", "KillRuntime"],
  ...["ProxyRequestSigning", "RunRetry", "ServiceToServiceCommunication", "Sleep", "SleepWithFailures", "State"],
  ...["StopRuntime", "UserErrors", "WorkflowAPI", "Signals"],
];
const suspending = [
  ...["Attach", "Cancellation", "Combinators", "KillRuntime", "NonDeterminismErrors", "RunFlush", "RunRetry"],
  ...["ServiceToServiceCommunication", "Sleep", "SleepWithFailures", "State", "StopRuntime", "UserErrors"],
  ...["WorkflowAPI", "Signals"],
];
const alwaysSuspend = { RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT: "0s" };
const protocol7 = { RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7: "true" };
const lazyState = { RESTATE_WORKER__INVOKER__DISABLE_EAGER_STATE: "true" };

export const configurations: Configuration[] = [
  { name: "default", env: {}, suites: [...usual, "ServiceToServiceScopeConcurrency", "Custom"] },
  { name: "alwaysSuspending", env: alwaysSuspend, suites: suspending },
  {
    name: "requestResponse",
    env: {},
    endpointEnv: { E2E_REQUEST_RESPONSE: "true" },
    features: ["requestResponse"],
    suites: [...usual, "RunFlush"],
  },
  {
    name: "singleThreadSinglePartition",
    env: { RESTATE_DEFAULT_NUM_PARTITIONS: "1", RESTATE_DEFAULT_THREAD_POOL_SIZE: "1" },
    suites: usual,
  },
  { name: "lazyState", env: lazyState, suites: ["State"] },
  { name: "lazyStateAlwaysSuspending", env: { ...lazyState, ...alwaysSuspend }, suites: ["State"] },
  { name: "persistedTimers", env: { RESTATE_WORKER__NUM_TIMERS_IN_MEMORY_LIMIT: "1" }, suites: ["Sleep"] },
  { name: "protocol7", env: protocol7, features: ["protocol7"], suites: usual },
  {
    name: "protocol7AlwaysSuspending",
    env: { ...protocol7, ...alwaysSuspend },
    features: ["protocol7"],
    suites: suspending,
  },
];

export function commonEnvironment(nodePort: string): Record<string, string> {
  const address = `http://127.0.0.1:${nodePort}`;
  return {
    RESTATE_CLUSTER_NAME: "conformance",
    RESTATE_AUTO_PROVISION: "true",
    RESTATE_ROLES: "[worker,log-server,admin,metadata-server,http-ingress]",
    RESTATE_BIFROST__DEFAULT_PROVIDER: "replicated",
    RESTATE_BIFROST__REPLICATED_LOGLET__DEFAULT_LOG_REPLICATION: "1",
    RESTATE_METADATA_SERVER__TYPE: "replicated",
    RESTATE_METADATA_CLIENT__ADDRESSES: `[${address}]`,
    RESTATE_ADVERTISED_ADDRESS: address,
    RESTATE_NETWORKING__HTTP2_KEEP_ALIVE_INTERVAL: "4s",
    RESTATE_NETWORKING__HTTP2_KEEP_ALIVE_TIMEOUT: "20s",
    RUST_LOG: "warn,restate=info",
  };
}
