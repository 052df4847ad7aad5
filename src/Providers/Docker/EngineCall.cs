using Berth.Core.Faults;

namespace Berth.Providers.Docker;

/// <summary>
/// Everything that is asked of an engine or its machine, each a step of <see cref="FaultPoints"/>. A call cannot be sent
/// without its name.
/// </summary>
public enum EngineCall
{
    // Of the engine
    ReadVersion,
    ReadInfo,
    ReadEvents,

    // Images
    InspectImage,
    Pull,

    // Containers
    ListContainers,
    InspectContainer,
    CreateContainer,
    InitializeContainer, // Podman's alone
    StartContainer,
    StopContainer,
    RemoveContainer,
    ReadLog,
    ReadFile,
    Unpack,

    // Volumes
    InspectVolume,
    CreateVolume,
    RemoveVolume,
    ListVolumes,
    MeasureVolumes,

    // The network and its rules
    InspectNetwork,
    CreateNetwork,
    RemoveNetwork,
    CheckFirewall,
    SetFirewall,
    ClearFirewall,
}
