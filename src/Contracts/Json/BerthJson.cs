using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Berth.Contracts.Environments;
using Berth.Contracts.Health;
using Berth.Contracts.Images;
using Berth.Contracts.Launchers;
using Berth.Contracts.Nodes;
using Berth.Contracts.Pools;
using Berth.Contracts.Problems;
using Berth.Contracts.Projects;
using Berth.Contracts.Sessions;
using Berth.Contracts.Users;

namespace Berth.Contracts.Json;

/// <summary>
/// Source-generated JSON of everything that crosses the wire: snake case, enums as snake-case strings, unknown fields
/// refused, nulls written.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.Strict,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ProblemBody))]
[JsonSerializable(typeof(UserView))]
[JsonSerializable(typeof(List<UserView>))]
[JsonSerializable(typeof(UserRequest))]
[JsonSerializable(typeof(UserQuota))]
[JsonSerializable(typeof(QuotaUse))]
[JsonSerializable(typeof(PasswordRequest))]
[JsonSerializable(typeof(ImageCredentialRequest))]
[JsonSerializable(typeof(ImageCredentialView))]
[JsonSerializable(typeof(List<ImageCredentialView>))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(TokenCreated))]
[JsonSerializable(typeof(List<TokenView>))]
[JsonSerializable(typeof(SignInLink))]
[JsonSerializable(typeof(List<SignInView>))]
[JsonSerializable(typeof(ProjectRequest))]
[JsonSerializable(typeof(List<ProjectView>))]
[JsonSerializable(typeof(List<MemberRequest>))]
[JsonSerializable(typeof(List<MemberView>))]
[JsonSerializable(typeof(EnvironmentRequest))]
[JsonSerializable(typeof(List<EnvironmentView>))]
[JsonSerializable(typeof(LauncherRequest))]
[JsonSerializable(typeof(IReadOnlyList<EnvVariable>))]
[JsonSerializable(typeof(List<LauncherView>))]
[JsonSerializable(typeof(PoolRequest))]
[JsonSerializable(typeof(List<PoolView>))]
[JsonSerializable(typeof(List<ClassView>))]
[JsonSerializable(typeof(ClassRequest))]
[JsonSerializable(typeof(Quota))]
[JsonSerializable(typeof(List<PoolUser>))]
[JsonSerializable(typeof(StartRequest))]
[JsonSerializable(typeof(ResumeRequest))]
[JsonSerializable(typeof(ExtendRequest))]
[JsonSerializable(typeof(PriorityRequest))]
[JsonSerializable(typeof(RenkuStartRequest))]
[JsonSerializable(typeof(RenkuPatchRequest))]
[JsonSerializable(typeof(List<SessionView>))]
[JsonSerializable(typeof(List<SessionEvent>))]
[JsonSerializable(typeof(List<ConnectionView>))]
[JsonSerializable(typeof(SshView))]
[JsonSerializable(typeof(FrontEndView))]
[JsonSerializable(typeof(List<AdminSessionView>))]
[JsonSerializable(typeof(OrphanList))]
[JsonSerializable(typeof(List<OrphanView>))]
[JsonSerializable(typeof(AdoptRequest))]
[JsonSerializable(typeof(NodeTokenRequest))]
[JsonSerializable(typeof(NodeTokenCreated))]
[JsonSerializable(typeof(JoinRequest))]
[JsonSerializable(typeof(JoinAnswer))]
[JsonSerializable(typeof(NodeOffer))]
[JsonSerializable(typeof(List<NodeView>))]
[JsonSerializable(typeof(NodeRemoved))]
[JsonSerializable(typeof(List<QueueView>))]
[JsonSerializable(typeof(ImageCheck))]
[JsonSerializable(typeof(Change))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(VersionView))]
[JsonSerializable(typeof(HealthView))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
public sealed partial class BerthJson : JsonSerializerContext;
