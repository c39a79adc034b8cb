// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {OpenLedgerEtch} from "@openledger/precompiles/OpenLedgerEtch.sol";
import {IDatanetRegistry} from "@openledger/precompiles/interfaces/IDatanetRegistry.sol";
import {IPolicy, POLICY_ADDRESS} from "@openledger/precompiles/interfaces/IPolicy.sol";
import {DataClub} from "../src/DataClub.sol";

interface Vm {
    function deal(address account, uint256 balance) external;
    function expectRevert(bytes calldata data) external;
    function prank(address sender) external;
    function roll(uint256 number) external;
}

contract DataClubTest {
    Vm private constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address private constant MEMBER = address(0xA11CE);
    uint256 private constant FEE = 2 ether;

    DataClub private club;
    IDatanetRegistry private registry;
    uint256 private datanet;
    uint256 private bond;

    function setUp() public {
        OpenLedgerEtch.etch(OpenLedgerEtch.devParameters(), address(this));
        club = new DataClub("Digits", FEE);
        registry = club.REGISTRY();
        datanet = club.DATANET();
        bond = IPolicy(POLICY_ADDRESS).getParameters(1).contributionBond;
        VM.deal(MEMBER, FEE + bond);
    }

    function test_onlyMembersContribute() public {
        VM.expectRevert(abi.encodeWithSelector(IDatanetRegistry.NotContributor.selector, MEMBER));
        VM.prank(MEMBER);
        registry.contribute{value: bond}(datanet, keccak256("root"), 10, 1_000);
    }

    function test_aMembersDataIsPublished() public {
        VM.prank(MEMBER);
        club.join{value: FEE}();
        VM.prank(MEMBER);
        uint256 contribution = registry.contribute{value: bond}(datanet, keccak256("root"), 10, 1_000);
        VM.roll(block.number + 2);
        VM.prank(MEMBER);
        registry.reveal(contribution, "sha256:00");
        require(club.accept(contribution) == 1, "first version");
        require(registry.getVersion(datanet, 1).records == 10, "ten records");
        VM.prank(MEMBER);
        registry.withdrawBond(contribution);
        require(MEMBER.balance == bond, "the bond is back");
    }

    function test_theTimelockOfTheTestPublishesPolicies() public {
        IPolicy policy = IPolicy(POLICY_ADDRESS);
        IPolicy.Parameters memory parameters = policy.getParameters(1);
        parameters.contributionBond = 3 ether;
        require(policy.publish(parameters) == 2, "second version");
        VM.prank(MEMBER);
        club.join{value: FEE}();
        VM.expectRevert(abi.encodeWithSelector(IDatanetRegistry.WrongBond.selector, 3 ether, bond));
        VM.prank(MEMBER);
        registry.contribute{value: bond}(datanet, keccak256("root"), 10, 1_000);
    }
}
