// SPDX-License-Identifier: Apache-2.0
//
// Services without state: the proxy, through which every call between services of the cases goes,
// the utilities, and a worker whose concurrency is limited from outside.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::time::Duration;

use restate_sdk::context::{Request, RequestTarget, SendHandle};
use restate_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyRequest {
    service_name: String,
    virtual_object_key: Option<String>,
    handler_name: String,
    message: Vec<i8>,
    delay_millis: Option<u64>,
    idempotency_key: Option<String>,
    scope: Option<String>,
    limit_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManyCallRequest {
    proxy_request: ProxyRequest,
    one_way_call: bool,
    await_at_the_end: bool,
}

fn request<'a>(ctx: &Context<'a>, wanted: ProxyRequest) -> Request<'a, Vec<u8>, Vec<u8>> {
    let target = match wanted.virtual_object_key {
        Some(key) => RequestTarget::object(wanted.service_name, key, wanted.handler_name),
        None => RequestTarget::service(wanted.service_name, wanted.handler_name),
    };
    let bytes: Vec<u8> = wanted.message.into_iter().map(|one| one as u8).collect();
    let mut request = ctx.request::<Vec<u8>, Vec<u8>>(target, bytes);
    if let Some(key) = wanted.idempotency_key {
        request = request.idempotency_key(key);
    }
    if let Some(scope) = wanted.scope {
        request = request.scope(scope);
    }
    if let Some(key) = wanted.limit_key {
        request = request.limit_key(key);
    }
    request
}

fn send(ctx: &Context<'_>, wanted: ProxyRequest) -> SendHandle {
    match wanted.delay_millis {
        Some(delay) => request(ctx, wanted).send_after(Duration::from_millis(delay)),
        None => request(ctx, wanted).send(),
    }
}

pub struct Proxy;

#[service]
impl Proxy {
    #[handler(name = "call")]
    async fn call(
        &self,
        ctx: Context<'_>,
        wanted: Json<ProxyRequest>,
    ) -> HandlerResult<Json<Vec<u8>>> {
        Ok(Json(request(&ctx, wanted.into_inner()).call().await?))
    }

    #[handler(name = "oneWayCall")]
    async fn one_way_call(
        &self,
        ctx: Context<'_>,
        wanted: Json<ProxyRequest>,
    ) -> HandlerResult<String> {
        let sent = send(&ctx, wanted.into_inner()).await?;
        Ok(sent.invocation_id().to_owned())
    }

    #[handler(name = "manyCalls")]
    async fn many_calls(
        &self,
        ctx: Context<'_>,
        requests: Json<Vec<ManyCallRequest>>,
    ) -> HandlerResult<()> {
        let mut awaited = Vec::new();
        for one in requests.into_inner() {
            if one.one_way_call {
                send(&ctx, one.proxy_request);
                continue;
            }
            let called = request(&ctx, one.proxy_request).call();
            if one.await_at_the_end {
                awaited.push(called);
            }
        }
        for one in awaited {
            one.await?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Completion {
    invocation_id: String,
    signal_name: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    reason: String,
}

pub struct TestUtilsService;

#[service]
impl TestUtilsService {
    #[handler(name = "echo")]
    async fn echo(&self, _ctx: Context<'_>, input: String) -> HandlerResult<String> {
        Ok(input)
    }

    #[handler(name = "uppercaseEcho")]
    async fn uppercase_echo(&self, _ctx: Context<'_>, input: String) -> HandlerResult<String> {
        Ok(input.to_uppercase())
    }

    #[handler(name = "echoHeaders")]
    async fn echo_headers(&self, ctx: Context<'_>) -> HandlerResult<Json<HashMap<String, String>>> {
        let headers = ctx.headers().iter();
        Ok(Json(headers.map(|(name, value)| (name.to_string(), value.clone())).collect()))
    }

    #[handler(name = "rawEcho")]
    async fn raw_echo(&self, _ctx: Context<'_>, input: Vec<u8>) -> HandlerResult<Vec<u8>> {
        Ok(input)
    }

    #[handler(name = "countExecutedSideEffects")]
    async fn count_executed(&self, ctx: Context<'_>, times: i32) -> HandlerResult<i32> {
        let executed = AtomicI32::new(0);
        for _ in 0..times {
            let count = || async {
                executed.fetch_add(1, SeqCst);
                Ok(())
            };
            ctx.run(count).await?;
        }
        Ok(executed.load(SeqCst))
    }

    #[handler(name = "cancelInvocation")]
    async fn cancel_invocation(&self, ctx: Context<'_>, id: String) -> HandlerResult<()> {
        ctx.invocation_handle(id).cancel();
        Ok(())
    }

    #[handler(name = "attachInvocation")]
    async fn attach_invocation(&self, ctx: Context<'_>, id: String) -> HandlerResult<String> {
        Ok(ctx.invocation_handle(id).attach::<String>().await?)
    }

    #[handler(name = "resolveSignal")]
    async fn resolve_signal(&self, ctx: Context<'_>, with: Json<Completion>) -> HandlerResult<()> {
        let with = with.into_inner();
        ctx.invocation_handle(with.invocation_id).signal(with.signal_name).resolve(with.value);
        Ok(())
    }

    #[handler(name = "rejectSignal")]
    async fn reject_signal(&self, ctx: Context<'_>, with: Json<Completion>) -> HandlerResult<()> {
        let with = with.into_inner();
        let reason = TerminalError::new(with.reason);
        ctx.invocation_handle(with.invocation_id).signal(with.signal_name).reject(reason);
        Ok(())
    }
}

static RUNNING: AtomicI32 = AtomicI32::new(0);
static MOST_RUNNING: AtomicI32 = AtomicI32::new(0);

/// Counts itself among what runs for as long as it lives.
struct Running;

impl Running {
    fn begin() -> Self {
        MOST_RUNNING.fetch_max(RUNNING.fetch_add(1, SeqCst) + 1, SeqCst);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, SeqCst);
    }
}

pub struct ScopedWorker;

#[service]
impl ScopedWorker {
    #[handler(name = "work")]
    async fn work(&self, ctx: Context<'_>, name: String) -> HandlerResult<()> {
        let _running = Running::begin();
        let (id, unlocked) = ctx.awakeable::<String>();
        let hold = RequestTarget::object("AwakeableHolder", name, "hold");
        ctx.request::<_, ()>(hold, id).call().await?;
        unlocked.await?;
        Ok(())
    }

    #[handler(name = "mostRunning")]
    async fn most_running(&self, _ctx: Context<'_>) -> HandlerResult<i32> {
        Ok(MOST_RUNNING.load(SeqCst))
    }
}
