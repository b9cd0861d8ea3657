// SPDX-License-Identifier: Apache-2.0
//
// The object that executes a list of commands on awaitables, and the workflow that blocks on a
// durable promise. Runs cannot be combined with other awaitables in this SDK, only awaited alone.

use std::env;
use std::pin::Pin;
use std::time::Duration;

use restate_sdk::context::{DurableFuture, DurableFuturesUnordered};
use restate_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Awaitable {
    CreateAwakeable { awakeable_key: String },
    Sleep { timeout_millis: u64 },
    RunReturns { value: String },
    RunThrowTerminalException { reason: String },
    CreateSignal { signal_name: String },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Command {
    AwaitOne { command: Awaitable },
    AwaitAny { commands: Vec<Awaitable> },
    AwaitFirstCompleted { commands: Vec<Awaitable> },
    AwaitAnySuccessful { commands: Vec<Awaitable> },
    AwaitFirstSucceededOrAllFailed { commands: Vec<Awaitable> },
    AwaitAllSucceededOrFirstFailed { commands: Vec<Awaitable> },
    AwaitAllCompleted { commands: Vec<Awaitable> },
    AwaitAwakeableOrTimeout { awakeable_key: String, timeout_millis: u64 },
    ResolveAwakeable(Resolve),
    RejectAwakeable(Reject),
    GetEnvVariable { env_name: String },
}

#[derive(Deserialize)]
struct Program {
    commands: Vec<Command>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resolve {
    awakeable_key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reject {
    awakeable_key: String,
    reason: String,
}

type Outcome = Result<String, TerminalError>;
type Pending<'a> = Pin<Box<dyn DurableFuture<Output = Outcome> + Send + 'a>>;

fn state_key(awakeable_key: &str) -> String {
    format!("awk-{awakeable_key}")
}

fn create_awakeable<'a>(ctx: &ObjectContext<'a>, key: &str) -> Pending<'a> {
    let (id, completed) = ctx.awakeable::<String>();
    ctx.set(&state_key(key), id);
    Box::pin(completed)
}

fn create<'a>(ctx: &ObjectContext<'a>, awaitable: Awaitable) -> Result<Pending<'a>, TerminalError> {
    match awaitable {
        Awaitable::CreateAwakeable { awakeable_key } => Ok(create_awakeable(ctx, &awakeable_key)),
        Awaitable::Sleep { timeout_millis } => {
            let timer = ctx.sleep(Duration::from_millis(timeout_millis));
            Ok(Box::pin(timer.map_ok(|()| "sleep".to_owned())))
        }
        Awaitable::CreateSignal { signal_name } => Ok(Box::pin(ctx.signal(&signal_name))),
        Awaitable::RunReturns { .. } | Awaitable::RunThrowTerminalException { .. } => {
            Err(TerminalError::new("a run cannot be combined"))
        }
    }
}

async fn await_one(ctx: &ObjectContext<'_>, awaitable: Awaitable) -> Outcome {
    match awaitable {
        Awaitable::RunReturns { value } => ctx.run(|| async { Ok(value) }).await,
        Awaitable::RunThrowTerminalException { reason } => {
            ctx.run(|| async { Err(TerminalError::new(reason).into()) }).await
        }
        other => create(ctx, other)?.await,
    }
}

/// All of them, to be taken in the order of their completion.
fn unordered<'a>(
    ctx: &ObjectContext<'a>,
    commands: Vec<Awaitable>,
) -> Result<DurableFuturesUnordered<Pending<'a>>, TerminalError> {
    commands.into_iter().map(|one| create(ctx, one)).collect()
}

async fn first_completed(ctx: &ObjectContext<'_>, commands: Vec<Awaitable>) -> Outcome {
    match unordered(ctx, commands)?.next().await? {
        Some((_, outcome)) => outcome,
        None => Err(TerminalError::new("nothing to wait for")),
    }
}

async fn first_succeeded(ctx: &ObjectContext<'_>, commands: Vec<Awaitable>) -> Outcome {
    let mut failures = vec![String::new(); commands.len()];
    let mut pending = unordered(ctx, commands)?;
    while let Some((index, outcome)) = pending.next().await? {
        match outcome {
            Ok(value) => return Ok(value),
            Err(failure) => failures[index] = failure.message().to_owned(),
        }
    }
    Err(TerminalError::new(failures.join("|")))
}

async fn all_succeeded(ctx: &ObjectContext<'_>, commands: Vec<Awaitable>) -> Outcome {
    let mut values = vec![String::new(); commands.len()];
    let mut pending = unordered(ctx, commands)?;
    while let Some((index, outcome)) = pending.next().await? {
        values[index] = outcome?;
    }
    Ok(values.join("|"))
}

async fn all_completed(ctx: &ObjectContext<'_>, commands: Vec<Awaitable>) -> Outcome {
    let mut outcomes = vec![String::new(); commands.len()];
    let mut pending = unordered(ctx, commands)?;
    while let Some((index, outcome)) = pending.next().await? {
        outcomes[index] = match outcome {
            Ok(value) => format!("ok:{value}"),
            Err(failure) => format!("err:{}", failure.message()),
        };
    }
    Ok(outcomes.join("|"))
}

async fn await_or_timeout(ctx: &ObjectContext<'_>, key: &str, timeout_millis: u64) -> Outcome {
    let awakeable = create_awakeable(ctx, key);
    let timer = ctx.sleep(Duration::from_millis(timeout_millis));
    restate_sdk::select! {
        value = awakeable => value,
        _ = timer => Err(TerminalError::new("await-timeout")),
    }
}

fn held(awakeable_key: &str, id: Option<String>) -> Outcome {
    id.ok_or_else(|| TerminalError::new(format!("no awakeable {awakeable_key}")))
}

async fn execute(ctx: &ObjectContext<'_>, command: Command) -> Outcome {
    match command {
        Command::AwaitOne { command } => await_one(ctx, command).await,
        Command::AwaitAny { commands } | Command::AwaitFirstCompleted { commands } => {
            first_completed(ctx, commands).await
        }
        Command::AwaitAnySuccessful { commands }
        | Command::AwaitFirstSucceededOrAllFailed { commands } => {
            first_succeeded(ctx, commands).await
        }
        Command::AwaitAllSucceededOrFirstFailed { commands } => all_succeeded(ctx, commands).await,
        Command::AwaitAllCompleted { commands } => all_completed(ctx, commands).await,
        Command::AwaitAwakeableOrTimeout { awakeable_key, timeout_millis } => {
            await_or_timeout(ctx, &awakeable_key, timeout_millis).await
        }
        Command::ResolveAwakeable(Resolve { awakeable_key, value }) => {
            let id = ctx.get::<String>(&state_key(&awakeable_key)).await?;
            ctx.resolve_awakeable(&held(&awakeable_key, id)?, value);
            Ok(String::new())
        }
        Command::RejectAwakeable(Reject { awakeable_key, reason }) => {
            let id = ctx.get::<String>(&state_key(&awakeable_key)).await?;
            ctx.reject_awakeable(&held(&awakeable_key, id)?, TerminalError::new(reason));
            Ok(String::new())
        }
        Command::GetEnvVariable { env_name } => {
            ctx.run(|| async move { Ok(env::var(env_name).unwrap_or_default()) }).await
        }
    }
}

pub struct VirtualObjectCommandInterpreter;

#[object]
impl VirtualObjectCommandInterpreter {
    #[handler(name = "interpretCommands")]
    async fn interpret_commands(
        &self,
        ctx: ObjectContext<'_>,
        program: Json<Program>,
    ) -> HandlerResult<String> {
        let mut last = String::new();
        for command in program.into_inner().commands {
            last = execute(&ctx, command).await?;
            let results = ctx.get::<Json<Vec<String>>>("results").await?;
            let mut results = results.map(Json::into_inner).unwrap_or_default();
            results.push(last.clone());
            ctx.set("results", Json(results));
        }
        Ok(last)
    }

    #[handler(name = "resolveAwakeable")]
    async fn resolve_awakeable(
        &self,
        ctx: SharedObjectContext<'_>,
        with: Json<Resolve>,
    ) -> HandlerResult<()> {
        let Resolve { awakeable_key, value } = with.into_inner();
        let id = ctx.get::<String>(&state_key(&awakeable_key)).await?;
        ctx.resolve_awakeable(&held(&awakeable_key, id)?, value);
        Ok(())
    }

    #[handler(name = "rejectAwakeable")]
    async fn reject_awakeable(
        &self,
        ctx: SharedObjectContext<'_>,
        with: Json<Reject>,
    ) -> HandlerResult<()> {
        let Reject { awakeable_key, reason } = with.into_inner();
        let id = ctx.get::<String>(&state_key(&awakeable_key)).await?;
        ctx.reject_awakeable(&held(&awakeable_key, id)?, TerminalError::new(reason));
        Ok(())
    }

    #[handler(name = "hasAwakeable")]
    async fn has_awakeable(
        &self,
        ctx: SharedObjectContext<'_>,
        awakeable_key: String,
    ) -> HandlerResult<bool> {
        Ok(ctx.get::<String>(&state_key(&awakeable_key)).await?.is_some())
    }

    #[handler(name = "getResults")]
    async fn get_results(&self, ctx: SharedObjectContext<'_>) -> HandlerResult<Json<Vec<String>>> {
        let results = ctx.get::<Json<Vec<String>>>("results").await?;
        Ok(results.unwrap_or(Json(Vec::new())))
    }
}

pub struct BlockAndWaitWorkflow;

#[workflow]
impl BlockAndWaitWorkflow {
    #[handler(name = "run")]
    async fn run(&self, ctx: WorkflowContext<'_>, input: String) -> HandlerResult<String> {
        ctx.set("input", input);
        let output = ctx.promise::<String>("unblocked").await?;
        if ctx.peek_promise::<String>("unblocked").await?.is_none() {
            let message = "a promise that was awaited must be completed";
            return Err(TerminalError::new(message).into());
        }
        Ok(output)
    }

    #[handler(name = "unblock")]
    async fn unblock(&self, ctx: SharedWorkflowContext<'_>, output: String) -> HandlerResult<()> {
        ctx.resolve_promise("unblocked", output);
        Ok(())
    }

    #[handler(name = "getState")]
    async fn get_state(
        &self,
        ctx: SharedWorkflowContext<'_>,
    ) -> HandlerResult<Json<Option<String>>> {
        Ok(Json(ctx.get::<String>("input").await?))
    }
}
