// SPDX-License-Identifier: Apache-2.0
//
// Handlers that fail: terminally, terminally inside a run, for a while, or differently on each
// replay. The attempts are counted in this process, so at most one case may use a counter at a time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use restate_sdk::context::RequestTarget;
use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error_message: String,
}

static CALL_ATTEMPTS: AtomicI32 = AtomicI32::new(0);
static SUCCESS_ATTEMPTS: AtomicI32 = AtomicI32::new(0);
static FAILURE_ATTEMPTS: AtomicI32 = AtomicI32::new(0);

fn next(attempts: &AtomicI32) -> i32 {
    attempts.fetch_add(1, SeqCst) + 1
}

fn quick_retries() -> RunRetryPolicy {
    RunRetryPolicy::new().initial_delay(Duration::from_millis(10)).exponentiation_factor(1.0)
}

pub struct Failing;

#[object]
impl Failing {
    #[handler(name = "terminallyFailingCall")]
    async fn terminally_failing_call(
        &self,
        _ctx: ObjectContext<'_>,
        failure: Json<Failure>,
    ) -> HandlerResult<()> {
        Err(TerminalError::new(failure.into_inner().error_message).into())
    }

    #[handler(name = "callTerminallyFailingCall")]
    async fn call_terminally_failing_call(
        &self,
        mut ctx: ObjectContext<'_>,
        failure: Json<Failure>,
    ) -> HandlerResult<()> {
        let key = ctx.rand_uuid().to_string();
        let target = RequestTarget::object("Failing", key, "terminallyFailingCall");
        Ok(ctx.request::<_, ()>(target, failure).call().await?)
    }

    #[handler(name = "failingCallWithEventualSuccess")]
    async fn failing_call_with_eventual_success(
        &self,
        _ctx: ObjectContext<'_>,
    ) -> HandlerResult<i32> {
        let attempt = next(&CALL_ATTEMPTS);
        if attempt < 4 {
            return Err(format!("attempt {attempt} fails").into());
        }
        CALL_ATTEMPTS.store(0, SeqCst);
        Ok(attempt)
    }

    #[handler(name = "terminallyFailingSideEffect")]
    async fn terminally_failing_side_effect(
        &self,
        ctx: ObjectContext<'_>,
        failure: Json<Failure>,
    ) -> HandlerResult<()> {
        let message = failure.into_inner().error_message;
        let fail = || async move { HandlerResult::<()>::Err(TerminalError::new(message).into()) };
        Ok(ctx.run(fail).await?)
    }

    #[handler(name = "sideEffectSucceedsAfterGivenAttempts")]
    async fn side_effect_succeeds_after_given_attempts(
        &self,
        ctx: ObjectContext<'_>,
        least: i32,
    ) -> HandlerResult<i32> {
        let attempt = || async move {
            let attempt = next(&SUCCESS_ATTEMPTS);
            if attempt < least {
                return Err(format!("attempt {attempt} of the run fails").into());
            }
            SUCCESS_ATTEMPTS.store(0, SeqCst);
            Ok(attempt)
        };
        Ok(ctx.run(attempt).retry_policy(quick_retries()).await?)
    }

    #[handler(name = "sideEffectFailsAfterGivenAttempts")]
    async fn side_effect_fails_after_given_attempts(
        &self,
        ctx: ObjectContext<'_>,
        most: u32,
    ) -> HandlerResult<i32> {
        let fail = || async {
            let attempt = next(&FAILURE_ATTEMPTS);
            HandlerResult::<()>::Err(format!("attempt {attempt} of the run fails").into())
        };
        if ctx.run(fail).retry_policy(quick_retries().max_attempts(most)).await.is_ok() {
            return Err(TerminalError::new("the run must fail").into());
        }
        let attempts = ctx.run(|| async { Ok(FAILURE_ATTEMPTS.load(SeqCst)) }).await?;
        let reset = || async {
            FAILURE_ATTEMPTS.store(0, SeqCst);
            Ok(())
        };
        ctx.run(reset).await?;
        Ok(attempts)
    }
}

static ATTEMPTS_OF_KEY: LazyLock<Mutex<HashMap<String, i32>>> = LazyLock::new(Mutex::default);

/// True on the first, third, ... attempt for this key.
fn goes_left(ctx: &ObjectContext<'_>) -> bool {
    let mut attempts = ATTEMPTS_OF_KEY.lock().unwrap();
    let attempt = attempts.entry(ctx.key().to_owned()).or_insert(0);
    *attempt += 1;
    *attempt % 2 == 1
}

/// A point that a replay comes back to, and an effect that must never be reached.
async fn suspend_then_count(ctx: &ObjectContext<'_>) -> Result<(), TerminalError> {
    ctx.sleep(Duration::from_millis(100)).await?;
    let target = RequestTarget::object("Counter", ctx.key(), "add");
    ctx.request::<i64, ()>(target, 1).send();
    Ok(())
}

fn counter(handler: &str) -> RequestTarget {
    RequestTarget::object("Counter", "abc", handler)
}

pub struct NonDeterministic;

#[object]
impl NonDeterministic {
    #[handler(name = "eitherSleepOrCall")]
    async fn either_sleep_or_call(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        if goes_left(&ctx) {
            ctx.sleep(Duration::from_millis(100)).await?;
        } else {
            ctx.request::<_, i64>(counter("get"), ()).call().await?;
        }
        Ok(suspend_then_count(&ctx).await?)
    }

    #[handler(name = "callDifferentMethod")]
    async fn call_different_method(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        if goes_left(&ctx) {
            ctx.request::<_, i64>(counter("get"), ()).call().await?;
        } else {
            ctx.request::<_, ()>(counter("reset"), ()).call().await?;
        }
        Ok(suspend_then_count(&ctx).await?)
    }

    #[handler(name = "backgroundInvokeWithDifferentTargets")]
    async fn background_invoke(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        let handler = if goes_left(&ctx) { "get" } else { "reset" };
        ctx.request::<_, ()>(counter(handler), ()).send();
        Ok(suspend_then_count(&ctx).await?)
    }

    #[handler(name = "setDifferentKey")]
    async fn set_different_key(&self, ctx: ObjectContext<'_>) -> HandlerResult<()> {
        let key = if goes_left(&ctx) { "left" } else { "right" };
        ctx.set(key, "value".to_owned());
        Ok(suspend_then_count(&ctx).await?)
    }
}
