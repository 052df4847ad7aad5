using System.Net;
using Berth.Core.Providers;
using Berth.Core.Sessions;
using Berth.Providers.Docker;

namespace Berth.Providers.Tests.Docker;

public sealed class DockerStatesTests
{
    // As engines said them: Docker 20.10 and 28, Podman 4.3, with and without the NVIDIA toolkit.
    [Theory]
    [InlineData(Reason.DiskFull, "mkdir /var/lib/docker/overlay2/1234: no space left on device")]
    [InlineData(Reason.DiskFull, "write /var/lib/docker/tmp/GetImageBlob1: no space left on device")]
    [InlineData(Reason.DiskFull, "failed to register layer: Error processing tar file(exit status 1): write /usr/lib/x: no space left on device")]
    [InlineData(Reason.NoGpu, "could not select device driver \"\" with capabilities: [[gpu]]")]
    [InlineData(Reason.NoGpu, "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error running prestart hook #0: exit status 1, stdout: , stderr: Auto-detected mode as 'legacy' nvidia-container-cli: device error: 7: unknown device: unknown")]
    [InlineData(Reason.WrongPlatform, "no matching manifest for linux/arm64/v8 in the manifest list entries")]
    [InlineData(Reason.WrongPlatform, "image with reference a:1 was found but does not match the specified platform: wanted linux/amd64, actual: linux/arm64")]
    [InlineData(Reason.NoCapacity, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available")]
    [InlineData(Reason.NoCapacity, "Minimum memory limit allowed is 6MB")]
    [InlineData(Reason.PullFailed, "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io on 10.0.0.1:53: no such host")]
    [InlineData(Reason.PullFailed, "toomanyrequests: You have reached your pull rate limit.")]
    [InlineData(Reason.ImageNotFound, "pull access denied for nope/nothing, repository does not exist or may require 'docker login': denied: requested access to the resource is denied")]
    [InlineData(Reason.ImageNotFound, "manifest for debian:no-such-tag not found: manifest unknown: manifest unknown")]
    [InlineData(Reason.ImageNotFound, "error pulling image configuration: download failed after attempts=1: unknown blob")]
    [InlineData(Reason.ImageNotFound, "No such image: a:1")]
    [InlineData(Reason.ImageNotFound, "unauthorized: authentication required")]
    [InlineData(Reason.CommandNotFound, "OCI runtime create failed: container_linux.go:380: starting container process caused: exec: \"/berth/berth-agent\": permission denied: unknown")]
    [InlineData(Reason.Refused, "something new")]
    public void TheEnginesWordsHaveAReason(Reason reason, string words) =>
        Assert.Equal(reason, DockerStates.Refusal(HttpStatusCode.InternalServerError, words).Reason);

    [Fact]
    public void WordsAreShownWithoutTheirWrappings()
    {
        var refusal = DockerStates.Refusal(
            HttpStatusCode.InternalServerError,
            "Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: something\n  new: unknown");
        Assert.Equal("something new", refusal.Message);
    }

    [Fact]
    public void AnAnswerWithoutWordsSaysItsStatus() =>
        Assert.Equal("it answered 500 without a word", DockerStates.Refusal(HttpStatusCode.InternalServerError, null).Message);

    [Fact]
    public void AGatewayThatAnswersForAnAbsentEngineIsNoRefusal() =>
        Assert.Equal(Reason.EngineUnreachable, DockerStates.Refusal(HttpStatusCode.BadGateway, "bad gateway").Reason);

    [Theory]
    [InlineData("created", ForeignState.Created)]
    [InlineData("running", ForeignState.Running)]
    [InlineData("paused", ForeignState.Running)]
    [InlineData("exited", ForeignState.Exited)]
    [InlineData("dead", ForeignState.Exited)]
    [InlineData("removing", ForeignState.Unknown)]
    [InlineData("quantum", ForeignState.Unknown)]
    public void StatesAreReadAndStrangeOnesAreUnknown(string word, ForeignState state) => Assert.Equal(state, DockerStates.State(word));
}
