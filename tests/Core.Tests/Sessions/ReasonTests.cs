using Berth.Core.Sessions;

namespace Berth.Core.Tests.Sessions;

public sealed class ReasonTests
{
    [Theory]
    [InlineData(Reason.CommandNotFound, "jupyter is not in the image", "Its command cannot be run: jupyter is not in the image.")]
    [InlineData(Reason.CommandNotFound, "It is no program. Say another one.", "Its command cannot be run: It is no program. Say another one.")]
    [InlineData(Reason.ExitedEarly, null, "Its command ended before it answered: no particulars.")]
    [InlineData(Reason.PullFailed, "registry.example.org does not answer", "Its image could not be fetched: registry.example.org does not answer")]
    public void ASentenceEndsOnce(Reason reason, string? detail, string sentence) => Assert.Equal(sentence, reason.Sentence(detail));
}
