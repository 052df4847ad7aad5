using System.Collections.Concurrent;
using Berth.Contracts.Agents;
using Berth.Fakes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Berth.Providers.Tests.Agent;

/// <summary>What the agent sees a session in use by: real terminals, a kernel list as Jupyter gives it, a gpu's program.</summary>
public sealed class ActivityTests : AgentProcessTests
{
    private readonly ConcurrentQueue<AgentActivity> _told = [];

    private IReadOnlyList<string>? Now => _told.LastOrDefault()?.Uses;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Server.Hub.Activity += (_, _, activity) => _told.Enqueue(activity);
    }

    [Fact]
    public async Task ACommandInATerminalIsUseAndAShellThatWaitsIsNot()
    {
        await TerminalAsync();
        await Eventually.TrueAsync(() => Now is [], "a shell that waits is no use");

        await TypeAsync("sleep 1000\n");
        await Eventually.TrueAsync(() => Now is [AgentActivity.Terminal], "a command is");
        await TypeAsync("\u0003");
        await Eventually.TrueAsync(() => Now is [], "until it ends");

        // A shell in a shell waits for its user like the first.
        await TypeAsync("bash --norc\n");
        await TypeAsync("echo inner-$((6 * 7))\n");
        await Eventually.TrueAsync(() => Typescript().Contains("inner-42", StringComparison.Ordinal), "the inner shell is there");
        await TypeAsync("bash -c 'while :; do read -t 1 nothing </dev/zero; done'\n");
        await Eventually.TrueAsync(() => Now is [AgentActivity.Terminal], "a script that is nothing but a shell is a command");
    }

    [Fact]
    public async Task WhatTheServerHasToTellIsWrittenToEveryTerminalAndSteersNone()
    {
        await TerminalAsync();
        await Eventually.TrueAsync(() => Report is not null, "the agent is connected");
        Server.Hub.Notify(Key, "In 15 min: It will be paused.\u001b[2J\nrm");
        await Eventually.TrueAsync(() => Typescript().Contains("[Berth] In 15 min: It will be paused.[2Jrm", StringComparison.Ordinal), "it is read at the terminal");
    }

    [Fact]
    public async Task ABusyKernelIsUseThoughItOnlyWaits()
    {
        var (state, asked) = ("busy", new ConcurrentQueue<string>());
        await using var jupyter = await FrontEndAsync(context =>
        {
            asked.Enqueue($"{context.Request.Path}{context.Request.QueryString} {context.Request.Headers.Authorization}");
            return context.Request.Path.Value switch
            {
                "/api" => context.Response.WriteAsJsonAsync(new { version = "2.14.2" }),
                "/api/kernels" => context.Response.WriteAsJsonAsync(new[] { new { id = "1", execution_state = "idle" }, new { id = "2", execution_state = state } }),
                _ => context.Response.WriteAsync("lab"),
            };
        });
        await Eventually.TrueAsync(() => Now is [AgentActivity.Kernel], "the kernel is busy");
        state = "idle";
        await Eventually.TrueAsync(() => Now is [], "and then it is not");
        Assert.Contains("/api/kernels?no_track_activity=1 token of-the-front-end", asked);
    }

    [Fact]
    public async Task AFrontEndThatIsNoJupyterIsAskedOnce()
    {
        var asked = new ConcurrentQueue<string>();
        await using var app = await FrontEndAsync(context =>
        {
            asked.Enqueue(context.Request.Path);
            return context.Response.WriteAsync("an app");
        });
        await Eventually.TrueAsync(() => asked.Contains("/api"), "it is asked what it is");
        await Eventually.TrueAsync(() => !_told.IsEmpty, "it was looked at");
        Assert.Single(asked, "/api");
        Assert.DoesNotContain("/api/kernels", asked);
    }

    [Fact]
    public async Task AGpuThatWorksIsUse()
    {
        var figures = Path.Combine(Folder.FullName, "figures");
        var program = Path.Combine(Folder.FullName, "nvidia-smi");
        await File.WriteAllTextAsync(figures, "0\n37\n", Ct);
        // As the real one answers to --query-gpu=utilization.gpu --format=csv,noheader,nounits: a line for each gpu.
        await File.WriteAllTextAsync(program, $"""
            #!/bin/sh
            [ "$*" = "--query-gpu=utilization.gpu --format=csv,noheader,nounits" ] && exec cat {figures}
            echo "Invalid combination of input arguments." ; exit 6
            """, Ct);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Start(["sleep", "1000"], order => order with
        {
            ActivitySeconds = 1,
            Environment = new Dictionary<string, string> { ["PATH"] = $"{Folder.FullName}:{System.Environment.GetEnvironmentVariable("PATH")}" },
        });
        await Eventually.TrueAsync(() => Now is [AgentActivity.Gpu], "a gpu works");
        await File.WriteAllTextAsync(figures, "0\n[N/A]\n", Ct);
        await Eventually.TrueAsync(() => Now is [], "none does");
    }

    private Task TypeAsync(string keys) => File.AppendAllTextAsync(Path.Combine(Workspace, "keys"), keys, Ct);

    private string Typescript() => File.Exists(Path.Combine(Workspace, "typescript")) ? File.ReadAllText(Path.Combine(Workspace, "typescript")) : "";

    /// <summary>An interactive shell at a terminal of its own, as JupyterLab starts one.</summary>
    private async Task TerminalAsync()
    {
        Start(["sh", "-c", "mkfifo keys; exec 3<>keys; exec script --quiet --flush --command 'bash --norc -i' typescript <&3"], order => order with { ActivitySeconds = 1 });
        await Eventually.TrueAsync(() => File.Exists(Path.Combine(Workspace, "keys")), "the terminal is there");
        await TypeAsync("echo outer-$((6 * 7))\n");
        await Eventually.TrueAsync(() => Typescript().Contains("outer-42", StringComparison.Ordinal), "the shell answers");
    }

    private async Task<WebApplication> FrontEndAsync(RequestDelegate handle)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.Run(handle);
        await app.StartAsync(Ct);
        Start(["sleep", "1000"], order => order with
        {
            ActivitySeconds = 1,
            Port = new Uri(app.Urls.First()).Port,
            Environment = new Dictionary<string, string> { ["JUPYTER_TOKEN"] = "of-the-front-end" },
        });
        return app;
    }
}
